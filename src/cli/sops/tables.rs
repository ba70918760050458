//! The flags that several commands of sops have, each once.

use super::flags::{Flag, Kind};

/// What a flag that holds a text does; the rest of a row is the same for all of them.
const fn text(names: &'static [&'static str], help: &'static str) -> Flag {
    Flag::new(names, Kind::Text, help)
}

const fn switch(names: &'static [&'static str], help: &'static str) -> Flag {
    Flag::new(names, Kind::Switch(false), help)
}

/// Who wraps and unwraps data keys.
pub(super) const LOCAL: Flag =
    Flag::new(&["enable-local-keyservice"], Kind::Switch(true), "Use the keys at hand here")
        .or("SOPS_ENABLE_LOCAL_KEYSERVICE");
pub(super) const KEYSERVICE: Flag = Flag::new(
    &["keyservice"],
    Kind::Texts,
    "A key service to ask besides, tcp://HOST:PORT or unix:///PATH; may be given several times",
)
.or("SOPS_KEYSERVICE");
pub(super) const ORDER: Flag = text(
    &["decryption-order"],
    "Which types of keys to try first, with commas between: age, pgp, kms, gcp_kms, azure_kv, hc_vault, hckms",
)
.or("SOPS_DECRYPTION_ORDER");

/// Where the result goes.
pub(super) const IN_PLACE: Flag = switch(&["in-place", "i"], "Write the result in the place of the file");
pub(super) const OUTPUT: Flag = text(&["output"], "Write the result to this file");
pub(super) const INPUT_TYPE: Flag = text(
    &["input-type"],
    "What is read: yaml, json, dotenv, ini or binary; otherwise the end of the name says it",
);
pub(super) const OUTPUT_TYPE: Flag = text(
    &["output-type"],
    "What is written: yaml, json, dotenv, ini or binary; otherwise the end of the name says it",
);
pub(super) const FILENAME_OVERRIDE: Flag = text(
    &["filename-override"],
    "Go by this name instead of the file's, for its type and its creation rule; with standard input",
);
pub(super) const IGNORE_MAC: Flag = switch(&["ignore-mac"], "Go on if the MAC does not fit");
pub(super) const EXTRACT: Flag =
    text(&["extract"], "Print what stands at this path alone: '[\"somekey\"][0]'");
pub(super) const SHOW_KEYS: Flag =
    switch(&["show-master-keys", "s"], "Show the metadata of the file below the values");
pub(super) const YES: Flag = switch(&["yes", "y"], "Change everything without being asked");
pub(super) const BACKGROUND: Flag =
    switch(&["background"], "Do not wait for the command to end (going away in sops)");
pub(super) const USER: Flag = text(&["user"], "Run the command as this user");
pub(super) const IDEMPOTENT: Flag =
    switch(&["idempotent"], "Write nothing where the file is as it should be already");
pub(super) const THRESHOLD: Flag = Flag::new(
    &["shamir-secret-sharing-threshold"],
    Kind::Number,
    "How many key groups it takes to put the data key together",
);

/// Keys of a new file.
pub(super) const KMS: Flag = text(&["kms", "k"], "AWS KMS keys, by their ARNs").or("SOPS_KMS_ARN");
pub(super) const AWS_PROFILE: Flag = text(&["aws-profile"], "The AWS profile for them");
pub(super) const GCP_KMS: Flag =
    text(&["gcp-kms"], "Google Cloud KMS keys, by their resource IDs").or("SOPS_GCP_KMS_IDS");
pub(super) const HCKMS: Flag =
    text(&["hckms"], "Huawei Cloud KMS keys, REGION:UUID").or("SOPS_HUAWEICLOUD_KMS_IDS");
pub(super) const AZURE_KV: Flag =
    text(&["azure-kv"], "Azure Key Vault keys, by their URLs").or("SOPS_AZURE_KEYVAULT_URLS");
pub(super) const HC_VAULT: Flag =
    text(&["hc-vault-transit"], "Keys of HashiCorp Vault's transit engine: https://HOST/v1/ENGINE/keys/KEY")
        .or("SOPS_VAULT_URIS");
pub(super) const PGP: Flag = text(&["pgp", "p"], "OpenPGP keys, by their fingerprints").or("SOPS_PGP_FP");
pub(super) const AGE: Flag =
    text(&["age", "a"], "age recipients, with commas between").or("SOPS_AGE_RECIPIENTS");
pub(super) const CONTEXT: Flag =
    text(&["encryption-context"], "The encryption context of AWS KMS keys: NAME:VALUE, with commas between");

/// All of the flags that name the keys of a new file.
pub(super) const KEYS: &[Flag] = &[KMS, AWS_PROFILE, GCP_KMS, HCKMS, AZURE_KV, HC_VAULT, PGP, AGE];

/// Which values of a new file are encrypted.
pub(super) const RULES: &[Flag] = &[
    text(&["unencrypted-suffix"], "Leave in clear what stands under a name that ends so"),
    text(&["encrypted-suffix"], "Encrypt only what stands under a name that ends so"),
    text(&["unencrypted-regex"], "Leave in clear what stands under a name that matches"),
    text(&["encrypted-regex"], "Encrypt only what stands under a name that matches"),
];

/// The same by comments.
pub(super) const COMMENT_RULES: &[Flag] = &[
    text(&["unencrypted-comment-regex"], "Leave in clear what stands under a comment that matches"),
    text(&["encrypted-comment-regex"], "Encrypt only what stands under a comment that matches"),
];

/// Keys that `rotate` adds and takes away.
pub(super) const ADD_AND_REMOVE: &[Flag] = &[
    text(&["add-gcp-kms"], "Google Cloud KMS keys to add"),
    text(&["rm-gcp-kms"], "Google Cloud KMS keys to take away"),
    text(&["add-hckms"], "Huawei Cloud KMS keys to add"),
    text(&["rm-hckms"], "Huawei Cloud KMS keys to take away"),
    text(&["add-azure-kv"], "Azure Key Vault keys to add"),
    text(&["rm-azure-kv"], "Azure Key Vault keys to take away"),
    text(&["add-kms"], "AWS KMS keys to add"),
    text(&["rm-kms"], "AWS KMS keys to take away"),
    text(&["add-hc-vault-transit"], "Vault transit keys to add"),
    text(&["rm-hc-vault-transit"], "Vault transit keys to take away"),
    text(&["add-age"], "age recipients to add"),
    text(&["rm-age"], "age recipients to take away"),
    text(&["add-pgp"], "OpenPGP keys to add"),
    text(&["rm-pgp"], "OpenPGP keys to take away"),
];

/// What only the program itself has, in front of a subcommand.
pub(super) const CONFIG: Flag =
    text(&["config"], "Take this file for .sops.yaml, and look for no other").or("SOPS_CONFIG");
pub(super) const INDENT: Flag = Flag::new(&["indent"], Kind::Number, "How far YAML and JSON are indented");
pub(super) const MAC_ONLY: Flag =
    switch(&["mac-only-encrypted"], "Leave values in clear out of the MAC of a new file");
pub(super) const VERBOSE: Flag = switch(&["verbose"], "Say more");
pub(super) const VERSION: Flag = switch(&["version", "v"], "Print the version of sops that this is like");
pub(super) const NO_CHECKS: &[Flag] = &[
    switch(&["disable-version-check"], "Accepted, and without effect: nothing is asked of the network")
        .or("SOPS_DISABLE_VERSION_CHECK"),
    switch(&["check-for-updates"], "Accepted, and without effect"),
];

/// What everything has.
pub(super) const HELP: Flag = switch(&["help", "h"], "Print help");

/// The verbs of the legacy form.
pub(super) const VERBS: &[Flag] = &[
    switch(&["decrypt", "d"], "Print the file in clear"),
    switch(&["encrypt", "e"], "Encrypt the file"),
    switch(&["rotate", "r"], "Encrypt the file under a new data key"),
];
pub(super) const SET: Flag = text(&["set"], "Set a value: '[\"somekey\"][0] \"value\"'");
