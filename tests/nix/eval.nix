# Evaluates our modules the way NixOS and home-manager do, with the options that those have and ours set.
# { failed = messages of assertions that do not hold; … }
{
  manifest,
  kind ? "nixos",
  settings ? { },
}:

let
  real = builtins.tryEval <nixpkgs/lib>;
  base = if real.success then import real.value else import ./lib.nix;
  lib = base // {
    hm.dag.entryAfter = after: data: { inherit after data; };
  };
  inherit (lib) mkOption types;

  text = default: mkOption { type = types.str; inherit default; };
  list = mkOption { type = types.listOf types.str; default = [ ]; };
  flag = default: mkOption { type = types.bool; inherit default; };
  maybe = type: mkOption { type = types.nullOr type; default = null; };

  common.options.assertions = mkOption {
    type = types.listOf types.anything;
    default = [ ];
  };

  # What NixOS declares of what the module uses.
  nixos = {
    options.users.mutableUsers = flag true;
    options.users.users = mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule {
          options = {
            isNormalUser = flag false;
            uid = maybe types.int;
            description = text "";
            group = text "users";
            extraGroups = list;
            home = text "";
            shell = maybe types.str;
            hashedPasswordFile = maybe types.str;
            openssh.authorizedKeys.keys = list;
          };
        }
      );
    };
    options.system.activationScripts = mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule {
          options = {
            deps = list;
            text = mkOption { type = types.lines; default = ""; };
            supportsDryActivation = flag false;
          };
        }
      );
    };
    options.systemd.services = mkOption { type = types.attrsOf types.anything; default = { }; };
    options.systemd.sysusers.enable = flag false;
    options.services.userborn.enable = flag false;
  };

  # What home-manager declares of what the module uses.
  home = {
    options.home.homeDirectory = text "/home/jon";
    options.home.packages = mkOption { type = types.listOf types.anything; default = [ ]; };
    options.home.activation = mkOption { type = types.attrsOf types.anything; default = { }; };
    options.systemd.user.services = mkOption { type = types.attrsOf types.anything; default = { }; };
    options.launchd.agents = mkOption { type = types.attrsOf types.anything; default = { }; };
  };

  evaluated = lib.evalModules {
    modules = [
      common
      (if kind == "nixos" then nixos else home)
      (if kind == "nixos" then ../../nix/nixos.nix else ../../nix/home.nix)
      {
        uvars = {
          enable = true;
          package = "/nix/store/uvars";
        } // (if manifest == null then { } else { inherit manifest; });
      }
      settings
    ];
    specialArgs = {
      inherit lib;
      pkgs.stdenv.hostPlatform = {
        isLinux = true;
        isDarwin = false;
      };
    };
  };
  inherit (evaluated) config;
  failed = map (assertion: assertion.message) (
    builtins.filter (assertion: !assertion.assertion) config.assertions
  );
in
if kind == "nixos" then
  {
    inherit failed;
    users = config.users.users;
    scripts = config.system.activationScripts;
    services = config.systemd.services;
  }
else
  {
    inherit failed;
    path = config.uvars.path;
    secrets = config.uvars.secrets;
    activation = config.home.activation;
    services = config.systemd.user.services;
  }
