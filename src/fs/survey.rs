//! What is there now, compared with what a transaction wants.

use super::transaction::{Change, Report};
use super::{Digest, RepoPath, Root};
use crate::{Error, Result};
use std::collections::BTreeMap;

pub(super) struct Planned<'a> {
    pub(super) path: RepoPath,
    pub(super) bytes: Option<&'a [u8]>,
    pub(super) mode: u32,
}

pub(super) struct Survey<'a> {
    pub(super) entries: Vec<Planned<'a>>,
    pub(super) report: Report,
}

pub(super) fn survey<'a>(
    root: &Root,
    changes: &'a BTreeMap<RepoPath, Change>,
    expected: &BTreeMap<RepoPath, Option<Digest>>,
) -> Result<Survey<'a>> {
    for (path, digest) in expected {
        if root.read(path)?.as_deref().map(Digest::of) != *digest {
            return Err(Error::new("was changed by somebody else meanwhile; nothing was written").at(path));
        }
    }
    let mut survey = Survey { entries: Vec::new(), report: Report::default() };
    for (path, change) in changes {
        let before = root.read(path)?;
        let (bytes, mode) = match change {
            Change::Write { bytes, mode } => (Some(bytes.as_slice()), mode.unwrap_or(0o644)),
            Change::Remove => (None, 0),
        };
        let list = match (&before, bytes) {
            (None, Some(_)) => &mut survey.report.created,
            (Some(_), None) => &mut survey.report.removed,
            (Some(old), Some(new)) if old != new => &mut survey.report.replaced,
            _ => {
                survey.report.unchanged.push(path.clone());
                continue;
            }
        };
        list.push(path.clone());
        survey.entries.push(Planned { path: path.clone(), bytes, mode });
    }
    Ok(survey)
}
