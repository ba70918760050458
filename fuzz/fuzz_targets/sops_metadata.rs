//! Whatever stands under `sops:` is refused, or comes back when it is written.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::sops::{Encrypted, Format};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = Encrypted::parse(format!("a: 1\nsops:{text}").as_bytes(), Format::Yaml) else { return };
    let readers: Vec<String> = file.metadata().recipients().into_iter().map(str::to_owned).collect();
    drop((file.metadata().others(), file.metadata().rules().clone()));
    let again = Encrypted::parse(&file.emit().expect("written"), Format::Yaml).expect("read again");
    assert_eq!(again.metadata().recipients(), readers);
    assert_eq!(again.metadata().lastmodified(), file.metadata().lastmodified());
});
