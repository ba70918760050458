//! The reader takes any bytes, makes no more nodes than there are bytes, and what it read can be written.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::yaml;

fuzz_target!(|bytes: &[u8]| {
    let (tree, error) = yaml::read(bytes);
    assert!(tree.len() <= 8 * bytes.len() + 8, "{} nodes of {} bytes", tree.len(), bytes.len());
    drop(error.map(|error| error.to_string()));
    for id in tree.ids() {
        drop(yaml::resolve(&tree, id));
    }
    if let Some(first) = tree.documents().first() {
        drop(yaml::check_map(&tree, *first));
    }
    if let Ok(text) = yaml::emit(&tree, 4) {
        drop(yaml::read(&text));
    }
});
