//! How files are laid out, where somebody says so: the `stores` of a `.sops.yaml`.

/// The settings of the formats. They say nothing about what is in a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stores {
    yaml_indent: usize,
}

impl Default for Stores {
    /// As sops writes unless it is told otherwise.
    fn default() -> Self {
        Self { yaml_indent: 4 }
    }
}

impl Stores {
    /// With `stores.yaml.indent`: how far YAML is indented. 0 is as if nothing were said; 1 and all above 9
    /// come out as 2, as in sops.
    #[must_use]
    pub fn with_yaml_indent(self, indent: usize) -> Self {
        Self { yaml_indent: if indent == 0 { Self::default().yaml_indent } else { indent } }
    }

    /// How far YAML is indented.
    pub(super) fn yaml_indent(self) -> usize {
        self.yaml_indent
    }
}
