//! Destination rules: where `publish` takes a file to.
//!
//! As sops has them, with one kind more, `directory`, which sops passes over.

use std::path::PathBuf;

use regex::bytes::Regex;

use crate::error::{Error, Result};
use crate::sops::go_regex;
use crate::yaml::{Entry, View};

use super::config::{CreationRule, scalar};

/// One rule.
#[derive(Debug)]
pub struct DestinationRule {
    /// Where to; none if the rule does not say.
    pub destination: Option<Destination>,
    /// Whose keys the published file is to have, where it is still encrypted there; it may name nobody, and the file
    /// goes as it is.
    pub recreation: CreationRule,
    /// Whether the end of the name stays behind.
    pub omit_extensions: bool,
    /// The line it begins on, counted from 1.
    pub line: u32,
    regex: Option<Regex>,
}

/// A place that files are published to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// A bucket of AWS.
    S3 {
        /// Its name.
        bucket: String,
        /// What stands in front of names there.
        prefix: String,
    },
    /// A bucket of Google Cloud.
    Gcs {
        /// Its name.
        bucket: String,
        /// What stands in front of names there.
        prefix: String,
    },
    /// The key-value engine of Vault, which gets the values in clear.
    Vault {
        /// `https://vault.example.com:8200`; empty: what the environment says.
        address: String,
        /// Below the mount; ends with a slash.
        path: String,
        /// Where the engine is mounted; ends with a slash.
        mount: String,
        /// 1 or 2.
        version: u8,
    },
    /// A folder, which gets the encrypted file; from the folder of the rules, if it is not absolute.
    Directory(PathBuf),
}

impl DestinationRule {
    pub(super) fn read(view: &View<'_>) -> Result<Self> {
        let entries = view.entries()?;
        let field = |name: &str| entries.iter().find(|entry| entry.name == name).map(|entry| entry.value);
        let text =
            |name: &str| field(name).map(|value| scalar(&value)).transpose().map(Option::unwrap_or_default);
        let regex = text("path_regex")?;
        let regex = (!regex.is_empty())
            .then(|| go_regex(&regex))
            .transpose()
            .map_err(|error| Error::new(format!("line {}: path_regex: {}", view.line(), error.message())))?;
        let recreation = match field("recreation_rule").filter(|rule| !rule.is_null()) {
            Some(rule) => CreationRule::read(&rule)?,
            None => CreationRule::empty(view.line()),
        };
        let omit = field("omit_extensions").filter(|value| !value.is_null());
        Ok(Self {
            destination: destination(view, &entries)?,
            recreation,
            omit_extensions: omit.map(|value| value.bool()).transpose()?.unwrap_or_default(),
            line: view.line(),
            regex,
        })
    }

    /// Whether the rule is for this path, as it was typed.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(path.as_bytes()))
    }
}

/// The one place that a rule names.
fn destination(view: &View<'_>, entries: &[Entry<'_>]) -> Result<Option<Destination>> {
    let field = |name: &str| entries.iter().find(|entry| entry.name == name).map(|entry| entry.value);
    let text =
        |name: &str| field(name).map(|value| scalar(&value)).transpose().map(Option::unwrap_or_default);
    let mut found = Vec::new();
    let bucket = text("s3_bucket")?;
    if !bucket.is_empty() {
        found.push(Destination::S3 { bucket, prefix: text("s3_prefix")? });
    }
    let bucket = text("gcs_bucket")?;
    if !bucket.is_empty() {
        found.push(Destination::Gcs { bucket, prefix: text("gcs_prefix")? });
    }
    let path = text("vault_path")?;
    if !path.is_empty() {
        let mount = text("vault_kv_mount_name")?;
        let version = field("vault_kv_version").filter(|value| !value.is_null());
        found.push(Destination::Vault {
            address: text("vault_address")?,
            path: with_slash(path),
            mount: with_slash(if mount.is_empty() { "secret".to_owned() } else { mount }),
            // sops takes every other number for 2
            version: if version.map(|value| value.int()).transpose()? == Some(1) { 1 } else { 2 },
        });
    }
    let folder = text("directory")?;
    if !folder.is_empty() {
        found.push(Destination::Directory(PathBuf::from(folder)));
    }
    if found.len() > 1 {
        return Err(view.error("a destination rule names one destination, and this names several"));
    }
    Ok(found.pop())
}

fn with_slash(mut path: String) -> String {
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}
