//! What can be encrypted is decrypted to the same documents, and what is printed reads back.
#![no_main]
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;
use uvars::keys::{IdentitySources, Keyring, generate};
use uvars::secret::Secret;
use uvars::sops::{Encrypted, Format, Plain, Rules};

static RING: LazyLock<Keyring> = LazyLock::new(|| {
    let key_text = Some(generate("2026-01-01T00:00:00Z").expect("a key").text);
    Keyring::new(IdentitySources { key_text, ..IdentitySources::default() })
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(plain) = Plain::parse(bytes, Format::Yaml) else { return };
    let Ok(printed) = plain.emit(Format::Yaml) else { return };
    if printed.len() > 1 << 16 {
        return; // aliases made much of little
    }
    let again = Plain::parse(printed.expose(), Format::Yaml).expect("what is printed is not read");
    let reprinted = again.emit(Format::Yaml).expect("printed again");
    let Some(back) = there_and_back(&plain) else { return };
    // comments may move, as they do with sops
    if !printed.expose().contains(&b'#') {
        assert!(reprinted == printed, "printed twice, it differs");
        assert!(back == printed, "decrypted to something else");
    }
});

fn there_and_back(plain: &Plain) -> Option<Secret> {
    let readers = RING.recipients();
    let file = Encrypted::create(plain, &readers, &Rules::default(), UNIX_EPOCH, Format::Yaml).ok()?;
    let read = Encrypted::parse(&file.emit().expect("written"), Format::Yaml).expect("read");
    let back = read.decrypt(&read.unlock(&RING).expect("unlocked")).expect("decrypted");
    Some(back.emit(Format::Yaml).expect("printed"))
}
