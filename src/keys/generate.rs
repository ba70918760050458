//! A new identity, in the text of `age-keygen`.

use super::recipient::Recipient;
use super::{hybrid, x25519};
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
    let identity = x25519::Identity::generate();
    with_comments(created, identity.public(), &identity.text())
}

/// Makes a hybrid identity, ML-KEM-768 with X25519.
pub fn generate_hybrid(created: &str) -> Result<Generated> {
    let identity = hybrid::Identity::generate()?;
    with_comments(created, identity.public(), &identity.text())
}

fn with_comments(created: &str, public: &str, key: &Secret) -> Result<Generated> {
    let mut text = format!("# created: {created}\n# public key: {public}\n").into_bytes();
    text.reserve_exact(key.len() + 1);
    text.extend_from_slice(key.expose());
    text.push(b'\n');
    Ok(Generated { text: Secret::new(text), recipient: Recipient::parse(public)? })
}
