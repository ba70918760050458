//! Nothing secret belongs into `uvars.yaml`: whatever looks like it is refused, and not quoted.

use crate::error::{Error, Result};
use crate::keys::{holds_private, line_of_private};
use crate::password::recognise;
use crate::yaml::{Kind, Tree, View};

/// Refuses a file that holds a password hash or a private key anywhere, in whatever field.
pub(super) fn refuse(tree: &Tree<'_>, file: &str) -> Result<()> {
    let mut open: Vec<_> = tree.documents().to_vec();
    while let Some(id) = open.pop() {
        if tree.node(id).kind == Kind::Scalar {
            let text = tree.node(id).text.as_ref();
            let found = if text.contains("PRIVATE KEY-----")
                || text.to_ascii_uppercase().contains("AGE-SECRET-KEY-")
                || holds_private(text)
            {
                "a private key"
            } else if recognise(text).is_some_and(|hash| hash.scheme.certain()) {
                "a password hash"
            } else {
                continue;
            };
            return Err(misplaced(&View::new(tree, id, file), found));
        }
        open.extend(tree.children(id));
    }
    Ok(())
}

/// Refuses a private key in a comment too.
pub(super) fn refuse_in_comments(bytes: &[u8], file: &str) -> Result<()> {
    let text = String::from_utf8_lossy(bytes);
    let comments = text.lines().map(|line| if line.contains('#') { line } else { "" });
    let Some(line) = line_of_private(comments) else { return Ok(()) };
    let error = Error::new("a private key stands here, and everybody can read this file");
    Err(error.hint(TAKE_OUT).at(file).position(line, 1))
}

/// What is to be done about a secret that everybody can read.
const TAKE_OUT: &str =
    "take it out, also of the history of the repository, and change it: it is no longer a secret";

/// The error for a secret in clear: `found` says what it is.
pub(super) fn misplaced(view: &View<'_>, found: &str) -> Error {
    view.error(format!("{found} stands here, and everybody can read this file"))
        .hint(TAKE_OUT)
        .hint("uvars generate makes passwords and encrypts them: uvars generate USER")
}
