//! What every format must do with every input that it takes.

use std::sync::LazyLock;
use std::time::UNIX_EPOCH;
use uvars::keys::{IdentitySources, Keyring, Programs, generate};
use uvars::secret::Secret;
use uvars::sops::{Encrypted, Format, Plain, Rules};

static RING: LazyLock<Keyring> = LazyLock::new(|| {
    let key_text = Some(generate("2026-01-01T00:00:00Z").expect("a key").text);
    Keyring::new(IdentitySources { key_text, ..IdentitySources::default() })
});

/// A file as it is decrypted behind its encryption; nothing where it cannot be encrypted.
pub fn there_and_back(plain: &Plain, format: Format) -> Option<Secret> {
    let readers = RING.recipients();
    let file =
        Encrypted::create(plain, &readers, &Rules::default(), UNIX_EPOCH, format, &Programs::default())
            .ok()?;
    let read = Encrypted::parse(&file.emit().ok()?, format).expect("read");
    let back = read.decrypt(&read.unlock(&*RING).expect("unlocked")).expect("decrypted");
    Some(back.emit(format).expect("printed"))
}

/// What can be read is printed so that it reads back, and decrypted to the same; it can be printed in every format, or is
/// refused. As an encrypted file it is no reason to panic.
#[allow(dead_code)]
pub fn holds(bytes: &[u8], format: Format) {
    drop(Encrypted::parse(bytes, format));
    let Ok(plain) = Plain::parse(bytes, format) else { return };
    for other in Format::ALL {
        let Ok(printed) = plain.emit(other) else { continue };
        if other == format {
            let again = Plain::parse(printed.expose(), format).expect("what is printed is not read");
            let twice = again.emit(format).expect("printed again");
            assert!(are_same(&twice, &printed, format) || has_minus_zero(&printed), "printed twice, it differs");
            if let Some(back) = there_and_back(&plain, format) {
                assert!(are_same(&back, &printed, format), "decrypted to something else");
            }
        } else {
            drop(there_and_back(&plain, other));
        }
    }
}

/// Whether two texts say the same: each reading takes more marks off a comment of INI that has two kinds of them.
fn are_same(one: &Secret, other: &Secret, format: Format) -> bool {
    let is_comment = |line: &&[u8]| line.starts_with(b";") || line.starts_with(b"#");
    let values = |text: &Secret| -> Vec<Vec<u8>> {
        let lines = text.expose().split(|byte| *byte == b'\n').filter(|line| !is_comment(line));
        lines.map(<[u8]>::to_vec).collect()
    };
    one == other || format == Format::Ini && values(one) == values(other)
}

/// Whether -0 is among what is printed: sops prints the float so, and it is read as the whole number 0.
pub fn has_minus_zero(printed: &Secret) -> bool {
    printed.expose().windows(2).any(|two| two == b"-0")
}
