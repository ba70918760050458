# uvars on NixOS: the accounts that the manifest of this host declares, their password hashes, and the values that
# `uvars activate` installs below /run/uvars.
#
#   imports = [ ./path/to/uvars/nix/nixos.nix ];
#   uvars = { enable = true; package = …; manifest = ./export; };
#
# where ./export is what `uvars export manifest hosts/NAME --out export` wrote.
{ config, lib, ... }:

let
  cfg = config.uvars;
  inherit (lib)
    concatMapStringsSep
    escapeShellArg
    filter
    mkDefault
    mkIf
    mkMerge
    mkOption
    types
    ;

  manifest = builtins.fromJSON (builtins.readFile (cfg.manifest + "/manifest.json"));
  accounts = filter (account: account.policy != "absent") (manifest.accounts or [ ]);
  absent = filter (account: account.policy == "absent") (manifest.accounts or [ ]);
  hashOf = user: "/run/uvars-users/${user}/password_hash";

  # Shells of other systems have another place here; /bin/sh has the same.
  shell =
    path:
    let
      name = baseNameOf path;
    in
    if path == "/bin/sh" then
      path
    else if builtins.elem (dirOf path) [ "/bin" "/usr/bin" ] then
      "/run/current-system/sw/bin/${name}"
    else
      path;

  # What the manifest says of an account; what it does not say is left to the configuration.
  given = name: account: mkIf (account ? ${name});
  user = account: {
    isNormalUser = mkDefault (account.user != "root" && (account.uid or 1000) >= 1000);
    uid = given "uid" account account.uid;
    description = given "description" account account.description;
    group = given "group_primary" account account.group_primary;
    extraGroups = mkMerge [
      (given "groups_secondary" account account.groups_secondary)
      (mkIf (account.admin or false) [ "wheel" ])
    ];
    home = given "home_dir" account account.home_dir;
    shell = given "shell" account (shell account.shell);
    openssh.authorizedKeys.keys = given "authorized_keys" account account.authorized_keys;
    hashedPasswordFile = given "from" account (hashOf account.user);
  };

  command =
    phase:
    "${cfg.package}/bin/uvars activate --phase ${phase}"
    + concatMapStringsSep "" (key: " --host-key ${escapeShellArg key}") cfg.hostKeys
    + " ${escapeShellArg "${cfg.manifest}/manifest.json"}";

  # `nixos-rebuild dry-activate` says what would change.
  script = phase: {
    supportsDryActivation = true;
    text = ''
      if [ "''${NIXOS_ACTION-}" = dry-activate ]; then
        ${command phase} --dry-run
      else
        ${command phase}
      fi
    '';
  };

  # userborn makes accounts in a unit; without it NixOS makes them in an activation script.
  byUnit = config.services.userborn.enable or false;
in
{
  options.uvars = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether to activate the manifest of this host: accounts, password hashes and values.";
    };
    package = mkOption {
      type = types.package;
      description = "The package with bin/uvars.";
    };
    manifest = mkOption {
      type = types.path;
      description = "The folder that `uvars export manifest hosts/NAME --out FOLDER` wrote.";
    };
    hostKeys = mkOption {
      type = types.listOf types.str;
      default = [ "/etc/ssh/ssh_host_ed25519_key" ];
      description = "The private keys of this host: paths on the host, never in the store.";
    };
    accounts = mkOption {
      type = types.bool;
      default = true;
      description = "Whether users.users gets what the manifest says of each account beside its password.";
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      assertions = [
        {
          assertion = !config.users.mutableUsers;
          message = ''
            uvars: set users.mutableUsers = false. Otherwise NixOS gives an account its password when the account is
            made and never again, so that a changed password would be ignored.
          '';
        }
        {
          assertion = !(config.systemd.sysusers.enable or false);
          message = ''
            uvars: systemd.sysusers cannot take a password from a file that is made at boot. Use userborn
            (services.userborn.enable = true), or neither of the two.
          '';
        }
        {
          assertion = manifest.version == 1;
          message = "uvars: the manifest has version ${toString manifest.version}, and this module reads 1.";
        }
        {
          assertion = builtins.match "hosts/.*" manifest.for != null;
          message = "uvars: ${toString cfg.manifest} is the manifest of ${manifest.for}, and must be that of a host.";
        }
      ]
      ++ map (account: {
        assertion = !(config.users.users ? ${account.user});
        message = "uvars: ${account.user} is absent by the manifest, and declared in users.users.";
      }) absent
      ++ map (key: {
        assertion = builtins.match "/nix/store/.*" key == null;
        message = "uvars: ${key} lies in the store, where everybody can read it; it must be a path on the host.";
      }) cfg.hostKeys;

      users.users = lib.listToAttrs (
        map (account: {
          name = account.user;
          value =
            if cfg.accounts then user account else { hashedPasswordFile = (user account).hashedPasswordFile; };
        }) accounts
      );
    }

    # Hashes before accounts, values after them. A failure is told and stops nothing: what cannot be opened keeps its
    # last good state.
    (mkIf (!byUnit) {
      system.activationScripts.uvarsUsers = script "users" // {
        deps = [ "specialfs" ];
      };
      system.activationScripts.users.deps = [ "uvarsUsers" ];
      system.activationScripts.uvars = script "services" // {
        deps = [
          "specialfs"
          "users"
          "groups"
        ];
      };
    })
    (mkIf byUnit {
      # Its own configuration is the same when a password changes: it must take the new hash over all the same.
      systemd.services.userborn.restartTriggers = [ "${cfg.manifest}" ];
      systemd.services.uvars-users = {
        description = "Password hashes for the accounts of this host";
        wantedBy = [
          "sysinit.target"
          "sysinit-reactivation.target"
        ];
        before = [
          "userborn.service"
          "sysinit.target"
          "sysinit-reactivation.target"
          "shutdown.target"
        ];
        # Not after local-fs.target: userborn comes before it, by way of systemd-tmpfiles-setup-dev.
        after = [ "systemd-remount-fs.service" ];
        conflicts = [ "shutdown.target" ];
        unitConfig.DefaultDependencies = false;
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = command "users";
        };
      };
      systemd.services.uvars = {
        description = "Values for the services of this host";
        wantedBy = [
          "sysinit.target"
          "sysinit-reactivation.target"
        ];
        before = [
          "sysinit.target"
          "sysinit-reactivation.target"
          "shutdown.target"
        ];
        after = [
          "local-fs.target"
          "userborn.service"
          "uvars-users.service"
        ];
        conflicts = [ "shutdown.target" ];
        unitConfig.DefaultDependencies = false;
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = command "services";
        };
      };
    })
  ]);
}
