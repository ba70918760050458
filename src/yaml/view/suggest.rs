//! The nearest of some known names, for "did you mean".

/// The known name that is nearest to `name`, if any is near enough to have been meant: one change for every
/// three characters, a swap of neighbours counting as one.
pub fn closest<'c>(name: &str, known: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).take(64).collect();
    let allowed = name.len().div_ceil(3);
    known
        .into_iter()
        .map(|candidate| (distance(&name, &candidate.chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours from one text to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, left) in from.iter().enumerate() {
        let mut next = vec![line + 1];
        for (column, right) in to.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let changed = cell(&row, column) + usize::from(left != right);
            let mut best = changed.min(cell(&row, column + 1) + 1).min(cell(&next, column) + 1);
            let before = |text: &[char], at: usize| at.checked_sub(1).and_then(|at| text.get(at).copied());
            if before(from, line) == Some(*right) && before(to, column) == Some(*left) {
                best = best.min(cell(&above, column.saturating_sub(1)) + 1);
            }
            next.push(best);
        }
        above = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["platform", "tags", "key", "hosts", "home_dir"];
        for (name, near) in [
            ("platfrom", Some("platform")),
            ("tag", Some("tags")),
            ("Tags", Some("tags")),
            ("homedir", Some("home_dir")),
            ("host", Some("hosts")),
            ("kye", Some("key")),
            ("shell", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(closest(name, known), near, "{name}");
        }
    }

    #[test]
    fn distances() {
        let of = |from: &str, to: &str| {
            distance(&from.chars().collect::<Vec<_>>(), &to.chars().collect::<Vec<_>>())
        };
        assert_eq!(of("kitten", "sitting"), 3);
        assert_eq!(of("ab", "ba"), 1);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("same", "same"), 0);
    }
}
