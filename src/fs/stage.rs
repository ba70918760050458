//! The names of files in the making.
//!
//! New bytes are written beside their target under such a name and renamed over it. The name is
//! recognisable, so that listings pass over it and git ignores it.

/// What every such name begins with.
const PREFIX: &str = ".uvars-stage-";

/// The line for `.git/info/exclude` that covers them all.
pub(super) const EXCLUDE: &str = ".uvars-stage-*";

/// Whether a file of this name is one in the making.
pub(super) fn is_stage_name(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// The name for the entry `number` of the transaction `id`.
pub(super) fn stage_name(id: &str, number: usize) -> String {
    format!("{PREFIX}{id}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised_and_excluded() {
        let name = stage_name("00112233", 7);
        assert_eq!(name, ".uvars-stage-00112233-7");
        assert!(is_stage_name(&name));
        assert!(name.starts_with(EXCLUDE.trim_end_matches('*')));
    }
}
