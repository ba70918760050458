//! A key of any type that sops knows, as plain data: what a data key, or a share of it, is wrapped for.
//!
//! sops calls it a master key. Only its name is here, as options, rules and files write it; nothing here wraps
//! or opens. That is the keyring's for age, and the key services' for every type.

use super::key_type::KeyType;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;

/// One key, by what a file of sops says of it.
///
/// Two are the same key if their `Display` is the same: that is what sops compares.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MasterKey {
    /// An age recipient, as it is stored: the comment of an ssh key may stand behind it.
    Age {
        /// `age1…`, `ssh-ed25519 AAAA…` and so on.
        recipient: String,
    },
    /// An `OpenPGP` key.
    Pgp {
        /// Hexadecimal, in capitals as a rule; `!` behind it means just this subkey.
        fingerprint: String,
    },
    /// A key of AWS KMS.
    Kms {
        /// `arn:aws:kms:…`
        arn: String,
        /// The role to take on; empty: none.
        role: String,
        /// What the cloud binds the wrapped key to.
        context: BTreeMap<String, String>,
        /// A profile of the AWS configuration; empty: the usual one.
        profile: String,
    },
    /// A key of Google Cloud KMS.
    GcpKms {
        /// `projects/…/locations/…/keyRings/…/cryptoKeys/…`
        resource_id: String,
    },
    /// A key of Huawei Cloud KMS.
    Hckms {
        /// `region:uuid`
        key_id: String,
    },
    /// A key of Azure Key Vault.
    AzureKv {
        /// `https://….vault.azure.net`
        vault_url: String,
        /// Its name.
        name: String,
        /// Its version; Azure's own text.
        version: String,
    },
    /// A key of Vault's transit engine.
    HcVault {
        /// `https://vault.example.com:8200`
        address: String,
        /// Where the engine is mounted: `transit`.
        engine: String,
        /// Its name.
        name: String,
    },
}

impl MasterKey {
    /// The type.
    pub fn kind(&self) -> KeyType {
        match self {
            Self::Age { .. } => KeyType::Age,
            Self::Pgp { .. } => KeyType::Pgp,
            Self::Kms { .. } => KeyType::Kms,
            Self::GcpKms { .. } => KeyType::GcpKms,
            Self::Hckms { .. } => KeyType::Hckms,
            Self::AzureKv { .. } => KeyType::AzureKv,
            Self::HcVault { .. } => KeyType::HcVault,
        }
    }

    /// An age recipient of this text.
    pub fn age(recipient: impl Into<String>) -> Self {
        Self::Age { recipient: recipient.into() }
    }

    /// Reads one key as options and rules of sops write it.
    ///
    /// # Errors
    ///
    /// The text cannot be a key of the type. An age recipient is not looked at here: whoever wraps for it does.
    pub fn parse(kind: KeyType, text: &str) -> Result<Self> {
        Ok(match kind {
            KeyType::Age => Self::age(text.trim()),
            KeyType::Pgp => Self::Pgp { fingerprint: text.replace(' ', "") },
            KeyType::Kms => kms(text),
            KeyType::GcpKms => Self::GcpKms { resource_id: text.trim().to_owned() },
            KeyType::Hckms => hckms(text)?,
            KeyType::AzureKv => azure(text)?,
            KeyType::HcVault => vault(text)?,
        })
    }

    /// The same key with what the cloud is to bind to it, and a profile, where its type has them.
    #[must_use]
    pub fn with_aws(self, more: &BTreeMap<String, String>, other: &str) -> Self {
        match self {
            Self::Kms { arn, role, context, profile } => Self::Kms {
                arn,
                role,
                context: if more.is_empty() { context } else { more.clone() },
                profile: if other.is_empty() { profile } else { other.to_owned() },
            },
            key => key,
        }
    }
}

impl fmt::Display for MasterKey {
    /// As sops shows and compares keys (`ToString` in its key sources, 3.13.3).
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age { recipient: text }
            | Self::Pgp { fingerprint: text }
            | Self::GcpKms { resource_id: text }
            | Self::Hckms { key_id: text } => out.write_str(text),
            Self::Kms { arn, role, context, profile } => {
                out.write_str(arn)?;
                if !role.is_empty() {
                    write!(out, "+{role}")?;
                }
                if !context.is_empty() || !profile.is_empty() {
                    let pairs: Vec<_> =
                        context.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                    write!(out, "|{}", pairs.join(","))?;
                }
                if profile.is_empty() { Ok(()) } else { write!(out, "|{profile}") }
            }
            Self::AzureKv { vault_url, name, version } => write!(out, "{vault_url}/keys/{name}/{version}"),
            Self::HcVault { address, engine, name } => write!(out, "{address}/v1/{engine}/keys/{name}"),
        }
    }
}

/// `arn` or `arn+role`. A path of an ARN may hold a plus, but no colon: `+arn:` parts the two.
fn kms(text: &str) -> MasterKey {
    let text = text.replace(' ', "");
    let (arn, role) = match text.find("+arn:").filter(|at| *at > 0).and_then(|at| text.split_at_checked(at)) {
        Some((arn, role)) => (arn.to_owned(), role.trim_start_matches('+').to_owned()),
        None => (text, String::new()),
    };
    MasterKey::Kms { arn, role, context: BTreeMap::new(), profile: String::new() }
}

fn hckms(text: &str) -> Result<MasterKey> {
    let text = text.trim();
    match text.split_once(':') {
        Some((region, uuid)) if !region.trim().is_empty() && !uuid.trim().is_empty() => {
            Ok(MasterKey::Hckms { key_id: text.to_owned() })
        }
        _ => Err(Error::new("a key of Huawei Cloud KMS is written region:key-uuid")),
    }
}

fn azure(text: &str) -> Result<MasterKey> {
    let text = text.trim();
    let form = "a key of Azure Key Vault is written https://NAME.vault.azure.net/keys/KEY/VERSION";
    let wrong = || Error::new(form);
    let rest = text.strip_prefix("https://").ok_or_else(wrong)?;
    let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
    let mut parts = path.split('/');
    let (word, name, version) = (parts.next(), parts.next(), parts.next());
    let whole = !host.is_empty() && word == Some("keys") && parts.next().is_none();
    let Some(name) = name.filter(|name| whole && !name.is_empty()) else { return Err(wrong()) };
    let Some(version) = version.filter(|version| !version.is_empty()) else {
        return Err(Error::new("this key of Azure Key Vault has no version, which only Azure could tell")
            .hint("write its version behind it: az keyvault key show names it"));
    };
    Ok(MasterKey::AzureKv {
        vault_url: format!("https://{host}"),
        name: name.to_owned(),
        version: version.to_owned(),
    })
}

fn vault(text: &str) -> Result<MasterKey> {
    let form = "a key of Vault is written https://vault.example.com:8200/v1/transit/keys/KEY";
    let wrong = || Error::new(form);
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
    let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
    let parts: Vec<_> = path.trim_end_matches('/').split('/').collect();
    let [version, engine @ .., word, name] = parts.as_slice() else { return Err(wrong()) };
    let is_version = version
        .strip_prefix('v')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    let filled = parts.iter().all(|part| !part.is_empty()) && !text.contains(['?', '#']);
    if scheme.is_empty() || host.is_empty() || engine.is_empty() || *word != "keys" || !is_version || !filled
    {
        return Err(wrong());
    }
    Ok(MasterKey::HcVault {
        address: format!("{scheme}://{host}"),
        engine: engine.join("/"),
        name: (*name).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: KeyType, text: &str) -> String {
        MasterKey::parse(kind, text).map_or_else(|error| format!("error: {error}"), |key| key.to_string())
    }

    #[test]
    fn a_key_is_shown_as_sops_compares_it() {
        let context = BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())]);
        let arn = MasterKey::parse(KeyType::Kms, "arn:aws:kms:x:1:key/k +arn:aws:iam::1:role/a+b").unwrap();
        assert_eq!(arn.to_string(), "arn:aws:kms:x:1:key/k+arn:aws:iam::1:role/a+b");
        assert_eq!(
            arn.clone().with_aws(&context, "dev").to_string(),
            "arn:aws:kms:x:1:key/k+arn:aws:iam::1:role/a+b|a:1,b:2|dev"
        );
        assert_eq!(
            arn.with_aws(&BTreeMap::new(), "dev").to_string(),
            "arn:aws:kms:x:1:key/k+arn:aws:iam::1:role/a+b||dev"
        );
        for (kind, text) in [
            (KeyType::Age, "age1xyz"),
            (KeyType::Pgp, "85D77543B3D624B63CEA9E6DBC17301B491B3F21!"),
            (KeyType::Kms, "arn:aws:kms:eu-central-1:1:key/k+x"),
            (KeyType::GcpKms, "projects/p/locations/l/keyRings/r/cryptoKeys/k"),
            (KeyType::Hckms, "tr-west-1:abc"),
            (KeyType::AzureKv, "https://v.vault.azure.net/keys/k/1"),
            (KeyType::HcVault, "https://vault.example.com:8200/v1/deep/transit/keys/k"),
        ] {
            assert_eq!(shown(kind, text), text);
            assert_eq!(MasterKey::parse(kind, text).unwrap().kind(), kind);
        }
        assert_eq!(shown(KeyType::Pgp, "85D7 7543"), "85D77543");
        assert_eq!(
            shown(KeyType::HcVault, "http://127.0.0.1:8200/v1/transit/keys/k/"),
            "http://127.0.0.1:8200/v1/transit/keys/k"
        );
    }

    #[test]
    fn what_cannot_be_a_key_of_its_type_is_refused() {
        for (kind, texts) in [
            (KeyType::Hckms, &["", "region", ":uuid", "region:"][..]),
            (
                KeyType::AzureKv,
                &[
                    "",
                    "http://v/keys/k/1",
                    "https://v/key/k/1",
                    "https://v/keys/",
                    "https://v/keys/k",
                    "https://v/keys/k/",
                    "https://v/keys/k/1/2",
                    "https:///keys/k/1",
                ],
            ),
            (
                KeyType::HcVault,
                &[
                    "",
                    "vault/v1/transit/keys/k",
                    "https://vault",
                    "https://vault/transit/keys/k",
                    "https://vault/v1/keys/k",
                    "https://vault/v1/transit/k",
                    "https://vault/prefix/v1/transit/keys/k",
                    "https://vault/v1//keys/k",
                    "https://vault/v1/transit/keys/k?x",
                ],
            ),
        ] {
            for text in texts {
                assert!(MasterKey::parse(kind, text).is_err(), "{text}");
            }
        }
    }
}
