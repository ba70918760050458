//! A new X25519 identity, in the text of `age-keygen`.

use super::recipient::Recipient;
use super::x25519::Identity;
use crate::error::Result;
use crate::secret::Secret;

/// A new key, both halves.
#[derive(Debug)]
pub struct Generated {
    /// The file to keep, 0600: two comments and the identity, a line each.
    pub text: Secret,
    /// The public half.
    pub recipient: Recipient,
}

/// Makes an X25519 identity. `created` is the comment's time, in RFC 3339.
pub fn generate(created: &str) -> Result<Generated> {
    let identity = Identity::generate();
    let recipient = Recipient::parse(identity.public())?;
    let key = identity.text();
    let mut text = format!("# created: {created}\n# public key: {recipient}\n").into_bytes();
    text.reserve_exact(key.len() + 1);
    text.extend_from_slice(key.expose());
    text.push(b'\n');
    Ok(Generated { text: Secret::new(text), recipient })
}
