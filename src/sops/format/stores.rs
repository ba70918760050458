//! How files are laid out, where somebody says so: the `stores` of a `.sops.yaml`.

/// How far each format is indented. It says nothing about what is in a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stores {
    yaml: usize,
    json: Indent,
    binary: Indent,
}

/// How far JSON is indented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Indent {
    /// One tab a level.
    Tab,
    /// So many spaces a level; with none there is still a line for each value.
    Spaces(usize),
}

impl Default for Stores {
    /// As sops writes unless it is told otherwise.
    fn default() -> Self {
        Self { yaml: 4, json: Indent::Tab, binary: Indent::Tab }
    }
}

impl Stores {
    /// With `stores.yaml.indent`: how far YAML is indented. 0 is as if nothing were said; 1 and all above 9
    /// come out as 2, as in sops.
    #[must_use]
    pub fn with_yaml_indent(self, indent: usize) -> Self {
        Self { yaml: if indent == 0 { Self::default().yaml } else { indent }, ..self }
    }

    /// With `stores.json.indent`.
    #[must_use]
    pub fn with_json_indent(self, indent: Indent) -> Self {
        Self { json: indent, ..self }
    }

    /// With `stores.json_binary.indent`: the same for what holds a file of bytes.
    #[must_use]
    pub fn with_binary_indent(self, indent: Indent) -> Self {
        Self { binary: indent, ..self }
    }

    pub(super) fn yaml_indent(self) -> usize {
        self.yaml
    }

    pub(super) fn json_indent(self) -> Indent {
        self.json
    }

    pub(super) fn binary_indent(self) -> Indent {
        self.binary
    }
}
