//! Whether `.sops.yaml` is what it should be, and what differs.

use similar::TextDiff;

/// The differences from what is there to what should be, as `diff -u` writes them; none where there are none.
/// `path` is the file's name in the two header lines.
pub fn diff(path: &str, there: &str, wanted: &str) -> Option<String> {
    if there == wanted {
        return None;
    }
    let diff = TextDiff::from_lines(there, wanted);
    let text =
        diff.unified_diff().context_radius(3).header(&format!("a/{path}"), &format!("b/{path}")).to_string();
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_no_difference() {
        assert_eq!(diff(".sops.yaml", "a\n", "a\n"), None);
    }

    #[test]
    fn a_difference_is_shown_as_diff_shows_it() {
        let shown = diff(".sops.yaml", "a\nb\n", "a\nc\n");
        assert_eq!(
            shown.as_deref(),
            Some("--- a/.sops.yaml\n+++ b/.sops.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n")
        );
    }
}
