//! sops' exit codes: what scripts around it look at.

/// How a command of sops ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Code {
    /// All that has no code of its own (1).
    Failed,
    /// What is to be read cannot be, or is not of its format (2).
    Read,
    /// What was made cannot be written; also a word that names no help (3).
    Write,
    /// The document cannot be put into the format (4).
    Dump,
    /// `--encryption-context` is not made of pairs (6).
    KmsContext,
    /// The path or the value of `set` and `unset` (7).
    SetFormat,
    /// Options that exclude each other (8).
    Conflict,
    /// A value that cannot be encrypted (23).
    EncryptTree,
    /// A value that cannot be decrypted (25).
    DecryptTree,
    /// Keys for a file that is not there (49).
    KeysOfNothing,
    /// The MAC does not fit, or is not there (51).
    Mac,
    /// The path of `--extract` (91).
    TreePath,
    /// A file without any document (92).
    NoDocument,
    /// No file was named, or none is there (100).
    NoFile,
    /// A type twice in `--decryption-order` (112).
    DuplicateOrder,
    /// Nobody at hand opens the data key (128).
    NoKey,
    /// The editor changed nothing (200).
    Unchanged,
    /// There is no editor, or it failed (201).
    Editor,
    /// The file is encrypted already, or looks so (203).
    Encrypted,
    /// What a child process ended with.
    Child(u8),
}

impl Code {
    /// The number.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Read => 2,
            Self::Write => 3,
            Self::Dump => 4,
            Self::KmsContext => 6,
            Self::SetFormat => 7,
            Self::Conflict => 8,
            Self::EncryptTree => 23,
            Self::DecryptTree => 25,
            Self::KeysOfNothing => 49,
            Self::Mac => 51,
            Self::TreePath => 91,
            Self::NoDocument => 92,
            Self::NoFile => 100,
            Self::DuplicateOrder => 112,
            Self::NoKey => 128,
            Self::Unchanged => 200,
            Self::Editor => 201,
            Self::Encrypted => 203,
            Self::Child(code) => code,
        }
    }
}
