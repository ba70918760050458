//! `.sops.yaml` of anybody: read, matched, and its rules for encryption made.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use uvars::rules::SopsConfig;

fuzz_target!(|bytes: &[u8]| {
    let Ok(config) = SopsConfig::parse(Path::new(".sops.yaml"), bytes) else { return };
    drop(config.match_path("secrets/users/jon.sops.yaml"));
    for rule in config.rules() {
        drop((rule.matches("a/b"), rule.encryption(), rule.recipients().map(|all| all.len())));
    }
});
