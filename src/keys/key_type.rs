//! The types of keys that sops knows, by the names that its files, its options and its rules have for them.

use std::fmt;

/// A type of keys. The order is the one in which sops keeps them in a file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyType {
    /// AWS KMS.
    Kms,
    /// Google Cloud KMS.
    GcpKms,
    /// Huawei Cloud KMS.
    Hckms,
    /// Azure Key Vault.
    AzureKv,
    /// `HashiCorp` Vault's transit engine.
    HcVault,
    /// `OpenPGP`.
    Pgp,
    /// age: X25519, hybrid and ssh keys, plugins.
    Age,
}

impl KeyType {
    /// Every type, in the order of the file.
    pub const ALL: [Self; 7] =
        [Self::Kms, Self::GcpKms, Self::Hckms, Self::AzureKv, Self::HcVault, Self::Pgp, Self::Age];

    /// Those that are tried first where nobody says otherwise; the others follow in the order of the file.
    pub const FIRST: [Self; 2] = [Self::Age, Self::Pgp];

    /// The name of its list in the metadata of a file, and in a decryption order.
    pub fn field(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::GcpKms => "gcp_kms",
            Self::Hckms => "hckms",
            Self::AzureKv => "azure_kv",
            Self::HcVault => "hc_vault",
            Self::Pgp => "pgp",
            Self::Age => "age",
        }
    }

    /// The type of this name.
    pub fn of_field(field: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.field() == field)
    }

    /// What people call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kms => "AWS KMS",
            Self::GcpKms => "Google Cloud KMS",
            Self::Hckms => "Huawei Cloud KMS",
            Self::AzureKv => "Azure Key Vault",
            Self::HcVault => "Vault transit",
            Self::Pgp => "OpenPGP",
            Self::Age => "age",
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.field())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name() {
        for kind in KeyType::ALL {
            assert_eq!(KeyType::of_field(kind.field()), Some(kind));
            assert_eq!(kind.to_string(), kind.field());
        }
        assert_eq!(KeyType::of_field("AGE"), None);
    }
}
