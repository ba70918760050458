//! Paths in a tree as sops writes them: `["key"][0]['k']`, with quotes that are stripped and nothing that escapes.

use crate::sops::{KeyPath, Plain, Step, Value};

/// A path. sops takes any chain of brackets; what is between them is a name in quotes or a number.
pub(super) struct TreePath {
    steps: Vec<Step>,
}

impl TreePath {
    /// Reads a path; an empty one is the whole document.
    ///
    /// Errors: in the words of sops, where it has some.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split('[').filter(|part| !part.is_empty());
        let steps = parts.map(step).collect::<Result<_, _>>()?;
        Ok(Self { steps })
    }

    /// Whether it is the whole document.
    pub(super) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps from the root.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The path for the library.
    pub(super) fn key_path(&self) -> KeyPath {
        of_steps(&self.steps)
    }

    /// The last step that leads somewhere in a document, with what is there, and the step that does not.
    pub(super) fn dead_end(&self, plain: &Plain) -> Option<(Value, &Step)> {
        (0..self.steps.len()).find_map(|taken| {
            let there = plain.get(&of_steps(self.steps.get(..taken).unwrap_or_default()))?;
            let next = of_steps(self.steps.get(..=taken).unwrap_or_default());
            plain.get(&next).is_none().then(|| self.steps.get(taken).map(|step| (there, step))).flatten()
        })
    }
}

pub(super) fn of_steps(steps: &[Step]) -> KeyPath {
    steps.iter().cloned().fold(KeyPath::default(), KeyPath::then)
}

fn step(part: &str) -> Result<Step, String> {
    let inner = part.strip_suffix(']').ok_or_else(|| format!("component {part} doesn't end with ]"))?;
    if inner.starts_with(['"', '\'']) {
        let mut letters = inner.chars();
        letters.next();
        letters.next_back();
        return Ok(Step::Key(letters.as_str().to_owned()));
    }
    let digits = inner.strip_prefix('+').unwrap_or(inner);
    match digits.parse::<i64>() {
        Ok(number) if !digits.starts_with('+') => usize::try_from(number)
            .map(Step::Index)
            .map_err(|_| format!("component [{inner}] counts from 0, and is less")),
        _ => Err(format!("strconv.Atoi: parsing {inner:?}: invalid syntax")),
    }
}

/// What Go calls the type of a value: texts of sops have it.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Time(_) => "time.Time",
        Value::Str(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "sops.TreeBranch",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_quotes_and_numbers() {
        let steps = |text: &str| TreePath::parse(text).map(|path| path.steps);
        let key = |name: &str| Step::Key(name.to_owned());
        assert_eq!(steps("[\"a\"][0]['b c']"), Ok(vec![key("a"), Step::Index(0), key("b c")]));
        assert_eq!(steps(""), Ok(vec![]));
        assert_eq!(steps("[\"a.b\"]"), Ok(vec![key("a.b")]));
        assert_eq!(steps("[\"a']"), Ok(vec![key("a")]));
        for (text, wrong) in [
            ("a", "component a doesn't end with ]"),
            ("[\"b[0]\"]", "component \"b doesn't end with ]"),
            ("[\"b\"] [\"c\"]", "component \"b\"]  doesn't end with ]"),
            ("[x]", "strconv.Atoi: parsing \"x\": invalid syntax"),
            ("[-1]", "component [-1] counts from 0, and is less"),
            ("[]", "strconv.Atoi: parsing \"\": invalid syntax"),
        ] {
            assert_eq!(steps(text), Err(wrong.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_step_that_leads_nowhere_is_found() {
        let plain = Plain::parse(b"a:\n  b: [1, 2]\n", crate::sops::Format::Yaml).unwrap();
        let end = |text: &str| {
            let path = TreePath::parse(text).unwrap();
            path.dead_end(&plain).map(|(value, step)| (go_type(&value), step.clone()))
        };
        assert_eq!(end("[\"a\"][\"b\"][1]"), None);
        assert_eq!(end("[\"a\"][\"b\"][2]"), Some(("[]interface {}", Step::Index(2))));
        assert_eq!(end("[\"a\"][\"x\"][2]"), Some(("sops.TreeBranch", Step::Key("x".into()))));
        assert_eq!(end("[\"a\"][\"b\"][1][\"y\"]"), Some(("int", Step::Key("y".into()))));
    }
}
