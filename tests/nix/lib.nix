# The few functions of nixpkgs' lib that our modules use, for machines without nixpkgs: options, properties, priorities,
# submodules and merging, as the real one does them. Where <nixpkgs> is found the tests use that instead.
let
  inherit (builtins)
    all
    attrNames
    attrValues
    concatLists
    concatStringsSep
    elem
    filter
    foldl'
    functionArgs
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isPath
    isString
    length
    listToAttrs
    map
    mapAttrs
    replaceStrings
    ;

  concatMap = f: list: concatLists (map f list);

  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  mkOption = option: option // { _type = "option"; };

  is = type: value: isAttrs value && value._type or null == type;

  # Moves conditions from a set to its attributes, so that names are known before any condition is.
  pushDown =
    def:
    if is "merge" def then
      concatMap pushDown def.contents
    else if is "if" def then
      map (mapAttrs (_: mkIf def.condition)) (pushDown def.content)
    else
      [ def ];

  # The values whose conditions hold, each with its priority.
  discharge =
    def:
    if is "merge" def then
      concatMap discharge def.contents
    else if is "if" def then
      if def.condition then discharge def.content else [ ]
    else if is "override" def then
      map (inner: inner // { inherit (def) priority; }) (discharge def.content)
    else
      [
        {
          value = def;
          priority = 100;
        }
      ];

  strongest =
    defs:
    let
      least = foldl' (seen: def: if def.priority < seen then def.priority else seen) 10000 defs;
    in
    filter (def: def.priority == least) defs;

  mergeOption =
    path: option: defs:
    let
      given = strongest (concatMap discharge defs);
      values = map (def: def.value) given;
      name = concatStringsSep "." path;
    in
    if (option.readOnly or false) && length values > 1 then
      throw "The option `${name}' is read-only, but it's set multiple times."
    else if values == [ ] then
      option.type.empty or (option.default or (throw "The option `${name}' is used but not defined."))
    else if !all option.type.check values then
      throw "A definition for option `${name}' is not of type `${option.type.name}'."
    else
      option.type.merge path values;

  mergeTree =
    path: options: defs:
    let
      here = concatMap pushDown defs;
      unknown = filter (name: !(options ? ${name})) (concatMap attrNames here);
      of = name: concatMap (def: if def ? ${name} then [ def.${name} ] else [ ]) here;
      one =
        name: option:
        if is "option" option then
          mergeOption (path ++ [ name ]) option (of name)
        else
          mergeTree (path ++ [ name ]) option (of name);
    in
    if unknown != [ ] then
      throw "The option `${concatStringsSep "." (path ++ [ (head unknown) ])}' does not exist."
    else
      mapAttrs one options;

  mergeOptions = foldl' (
    seen: more:
    seen
    // mapAttrs (
      name: option:
      if seen ? ${name} && !(is "option" option) then mergeOptions [ seen.${name} option ] else option
    ) more
  ) { };

  evalModules =
    {
      modules,
      specialArgs ? { },
      path ? [ ],
    }:
    let
      load = module: if isPath module || isString module then import module else module;
      call =
        module:
        let
          loaded = load module;
        in
        if isFunction loaded then loaded ({ inherit lib; } // specialArgs // { inherit config options; }) else loaded;
      normal =
        module:
        let
          called = call module;
        in
        if called ? config || called ? options then
          {
            imports = called.imports or [ ];
            options = called.options or { };
            config = called.config or { };
          }
        else
          {
            imports = called.imports or [ ];
            options = { };
            config = removeAttrs called [ "imports" ];
          };
      collect = module: [ (normal module) ] ++ concatMap collect (normal module).imports;
      all = concatMap collect modules;
      options = mergeOptions (map (module: module.options) all);
      config = mergeTree path options (map (module: module.config) all);
    in
    {
      inherit config options;
    };

  single = name: check: {
    inherit name check;
    merge =
      path: values:
      if all (value: value == head values) values then
        head values
      else
        throw "The option `${concatStringsSep "." path}' has conflicting definition values.";
  };

  types = {
    bool = single "boolean" isBool;
    int = single "integer" isInt;
    str = single "string" isString;
    path = single "path" (value: isPath value || isString value);
    package = single "package" (value: isAttrs value || isPath value || isString value);
    lines = {
      name = "lines";
      check = isString;
      merge = _: concatStringsSep "\n";
    };
    anything = {
      name = "anything";
      check = _: true;
      merge = _: foldl' (seen: more: if isAttrs seen && isAttrs more then seen // more else more) { };
    };
    nullOr =
      inner:
      inner
      // {
        name = "null or ${inner.name}";
        check = value: value == null || inner.check value;
        merge = path: values: if all (value: value == null) values then null else inner.merge path values;
      };
    listOf = inner: {
      name = "list of ${inner.name}";
      check = value: isList value && all inner.check (map (item: item) value);
      merge = _: concatLists;
    };
    attrsOf = inner: {
      name = "attribute set of ${inner.name}";
      check = isAttrs;
      empty = { };
      merge =
        path: values:
        let
          sets = concatMap pushDown values;
          names = concatMap attrNames sets;
          of =
            name:
            concatMap discharge (concatMap (set: if set ? ${name} then [ set.${name} ] else [ ]) sets);
        in
        listToAttrs (
          concatMap (
            name:
            if of name == [ ] then
              [ ]
            else
              [
                {
                  inherit name;
                  value = inner.merge (path ++ [ name ]) (map (def: def.value) (strongest (of name)));
                }
              ]
          ) names
        );
    };
    submodule = module: {
      name = "submodule";
      check = value: isAttrs value || isFunction value;
      merge =
        path: values:
        (evalModules {
          inherit path;
          modules = [ module ] ++ map (value: { config = value; }) values;
          specialArgs = {
            name = foldl' (_: part: part) "" path;
          };
        }).config;
    };
  };

  escapeShellArg =
    text:
    if builtins.match "[[:alnum:],._+:@%/-]+" (toString text) != null then
      toString text
    else
      "'${replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";

  lib = {
    inherit
      concatMap
      evalModules
      filter
      listToAttrs
      mkIf
      mkMerge
      mkOption
      mkOverride
      types
      ;
    inherit escapeShellArg;
    escapeShellArgs = words: concatStringsSep " " (map escapeShellArg words);
    concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
  };
in
lib
