//! The command line: the only room with a voice.

/// Runs a command line and returns the exit code.
pub fn run(_arguments: impl IntoIterator<Item = std::ffi::OsString>) -> u8 {
    0
}
