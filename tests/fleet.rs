//! The inventory and who reads what, through the public door.

#![allow(
    clippy::expect_used,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use uvars::fleet::Fleet;
use uvars::fs::Root;

#[test]
fn the_sample_fleet_loads() {
    let root = Root::open(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let fleet = Fleet::load(&root).unwrap_or_else(|error| panic!("{error}\n{:?}", error.hints()));
    let required: Vec<_> = fleet.expected_files().into_iter().filter(|file| file.required).collect();
    assert!(required.iter().any(|file| file.kind.path() == "secrets/accounts/jon.sops.yaml"), "{required:?}");
    assert!(fleet.rules().is_ok());
}
