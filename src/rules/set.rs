//! The rules to be written, as plain data: whoever decides them knows fleets, whoever renders them need not.

/// Everything that goes into a `.sops.yaml` of ours.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RuleSet {
    /// Hand-written lines of `keys:`, in front of ours.
    pub keys: Verbatim,
    /// Names of recipients. No two have one name, and none has one of `keys`.
    pub anchors: Vec<Anchor>,
    /// Hand-written rules in front of ours.
    pub before: Verbatim,
    /// Ours: who reads what.
    pub rules: Vec<Rule>,
    /// Regexes of paths that nobody may encrypt to: ours without a reader.
    pub deny: Vec<String>,
    /// Hand-written rules behind ours.
    pub after: Verbatim,
    /// Hand-written fields beside the rules: `stores` and so on.
    pub other: Verbatim,
}

/// A named recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Anchor {
    /// The name: `user_jon`.
    pub name: String,
    /// The recipient as sops stores it.
    pub recipient: String,
}

/// One creation rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Which paths, in RE2's syntax, anchored at both ends.
    pub path_regex: String,
    /// Who reads them: indexes into the anchors, in the order in which they are written.
    pub readers: Vec<usize>,
}

/// A YAML block list, or a block map, as a person wrote it: whole lines, their comments and indentation kept,
/// without the indentation that all of them have.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verbatim(String);

impl Verbatim {
    /// Takes the lines over; empty text means that there are none.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The lines.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}
