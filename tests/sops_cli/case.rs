//! How a case is written.
//!
//! ```text
//! == decrypt prints the file
//! file a.yaml            content follows, indented by four blanks
//!     a: 1
//! % sops encrypt -i a.yaml     set up by the real sops, once for both
//! $ sops decrypt a.yaml        run by each
//! ```
//!
//! More lines: `env NAME=VALUE` for the commands; `stderr` compares standard error too; `first` compares only the first
//! line of standard output; `needs gpg` leaves it out where there is no gpg; `old` also runs it with 3.11, `only-old` only with that; `differs ROW` says that the two
//! differ, and `ours CODE TEXT` what ours ends with then (TEXT is a part of what it says, on either stream). Where CODE is not 0,
//! ours must leave every file as it was, unless `touches` says that the commands themselves write some.

use std::path::Path;

/// One case.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the lines of a case that stand alone")]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) setup: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) stderr: bool,
    pub(crate) first: bool,
    pub(crate) old: bool,
    pub(crate) only_old: bool,
    pub(crate) needs: Option<String>,
    pub(crate) differs: Option<String>,
    pub(crate) ours: Option<(i32, String)>,
    pub(crate) touches: bool,
}

/// The cases of a file.
pub(crate) fn read(path: &Path) -> Vec<Case> {
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name: name.to_owned(), file: file.clone(), ..Case::default() });
            continue;
        }
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| panic!("{file}:{}: no case yet", number + 1));
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => {
                let content = &mut case.files.last_mut().unwrap().1;
                content.push_str(line.strip_prefix("    ").unwrap());
                content.push('\n');
            }
            "file" => case.files.push((rest.to_owned(), String::new())),
            "%" => case.setup.push(rest.to_owned()),
            "$" => case.commands.push(rest.to_owned()),
            "env" => {
                let (name, value) = rest.split_once('=').unwrap();
                case.variables.push((name.to_owned(), value.to_owned()));
            }
            "stderr" => case.stderr = true,
            "first" => case.first = true,
            "old" => case.old = true,
            "needs" => case.needs = Some(rest.to_owned()),
            "only-old" => case.only_old = true,
            "touches" => case.touches = true,
            "differs" => case.differs = Some(rest.to_owned()),
            "ours" => {
                let (code, said) = rest.split_once(' ').unwrap_or((rest, ""));
                case.ours = Some((code.parse().unwrap(), said.to_owned()));
            }
            _ => panic!("{file}:{}: {line}", number + 1),
        }
    }
    cases
}
