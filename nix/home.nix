# uvars for home-manager: a person's own values, by the link that always leads to the current ones.
#
#   imports = [ ./path/to/uvars/nix/home.nix ];
#   uvars = { enable = true; package = …; manifest = ./export; };
#   programs.git.extraConfig.credential.helper = "store --file ${config.uvars.secrets.git-credentials.path}";
#
# where ./export is what `uvars export manifest users/NAME --out export` wrote. A person whose host installs their values
# with the system (`integrated` in uvars.yaml) leaves `manifest` away: the host makes the same link.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  cfg = config.uvars;
  inherit (lib) mkIf mkMerge mkOption types;

  link = "${config.home.homeDirectory}/.local/state/uvars/current";
  activate = [
    "${cfg.package}/bin/uvars"
    "activate"
    "--user"
    "${cfg.manifest}/manifest.json"
  ];
  manifest = builtins.fromJSON (builtins.readFile (cfg.manifest + "/manifest.json"));
in
{
  options.uvars = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether to activate this person's values at login and at every switch.";
    };
    package = mkOption {
      type = types.package;
      description = "The package with bin/uvars.";
    };
    manifest = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "The folder that `uvars export manifest users/NAME --out FOLDER` wrote; null where the host's own activation installs the values.";
    };
    path = mkOption {
      type = types.str;
      readOnly = true;
      description = "The folder with one file for each value.";
    };
    secrets = mkOption {
      type = types.attrsOf (
        types.submodule (
          { name, ... }:
          {
            options.path = mkOption {
              type = types.str;
              default = "${link}/${name}";
              readOnly = true;
              description = "Where the value is: the key's name below the link.";
            };
          }
        )
      );
      default = { };
      description = "The values that modules use, by key: `db.password`, or `shared/wifi/psk` for a shared one.";
    };
  };

  config = mkMerge [
    { uvars.path = link; }
    (mkIf (cfg.enable && cfg.manifest != null) (mkMerge [
      {
        assertions = [
          {
            assertion = manifest.version == 1;
            message = "uvars: the manifest has version ${toString manifest.version}, and this module reads 1.";
          }
          {
            assertion = builtins.match "users/.*" manifest.for != null;
            message = "uvars: ${toString cfg.manifest} is the manifest of ${manifest.for}, and must be that of a person.";
          }
        ];
        home.packages = [ cfg.package ];
        # At a switch. What cannot be opened keeps its last good state and must not stop the rest of the switch.
        home.activation.uvars = lib.hm.dag.entryAfter [ "writeBoundary" ] ''
          run ${lib.escapeShellArgs activate} || warnEcho "uvars: not everything is as the manifest wants it"
        '';
      }
      (mkIf pkgs.stdenv.hostPlatform.isLinux {
        # At login, where the folder in memory is new.
        systemd.user.services.uvars = {
          Unit.Description = "This person's own values";
          Install.WantedBy = [ "default.target" ];
          Service = {
            Type = "oneshot";
            RemainAfterExit = true;
            ExecStart = lib.concatMapStringsSep " " (word: "\"${word}\"") activate;
          };
        };
      })
      (if options ? launchd then
        (mkIf pkgs.stdenv.hostPlatform.isDarwin {
          launchd.agents.uvars = {
            enable = true;
            config = {
              ProgramArguments = activate;
              RunAtLoad = true;
            };
          };
        })
      else
        { })
    ]))
  ];
}
