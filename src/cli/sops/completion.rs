//! `sops completion`: scripts for shells, and the words that those ask for.

use super::fault::Outcome;
use super::flags::Flag;
use super::{COMMANDS, COMPLETE, Command, files, legacy, tables};

pub(super) const COMMAND: Command = Command {
    name: "completion",
    words: "",
    about: "Print the completion script of a shell",
    more: "To load it: source <(sops completion bash)",
    flags: &[],
    below: &[&BASH, &ZSH],
    run: |_| Ok(()),
};

const BASH: Command = Command {
    name: "bash",
    words: "",
    about: "For bash",
    more: "",
    flags: &[],
    below: &[],
    run: |_| files::print(format!("{BASH_SCRIPT}{COMPLETE}{BASH_END}").as_bytes()),
};

const ZSH: Command = Command {
    name: "zsh",
    words: "",
    about: "For zsh",
    more: "",
    flags: &[],
    below: &[],
    run: |_| files::print(format!("{ZSH_SCRIPT}{COMPLETE}{ZSH_END}").as_bytes()),
};

const BASH_SCRIPT: &str = r#"# completion of sops for bash: asks the program itself
_sops_words() {
    local word="${COMP_WORDS[COMP_CWORD]}" line=("${COMP_WORDS[@]:0:COMP_CWORD}")
    if [[ $word == -* ]]; then line+=("$word"); fi
    COMPREPLY=($(compgen -W "$("${line[@]}" "#;
const BASH_END: &str = r#" 2>/dev/null)" -- "$word"))
}
complete -o bashdefault -o default -o nospace -F _sops_words sops
"#;

const ZSH_SCRIPT: &str = r#"#compdef sops
# completion of sops for zsh: asks the program itself
_sops_words() {
    local -a line answers
    line=("${(@)words[1,CURRENT-1]}")
    if [[ ${words[CURRENT]} == -* ]]; then line+=("${words[CURRENT]}"); fi
    answers=("${(@f)$("${line[@]}" "#;
const ZSH_END: &str = r#" 2>/dev/null)}")
    if [[ -n ${answers[1]} ]]; then compadd -a answers; else _files; fi
}
compdef _sops_words sops
"#;

/// Prints the words that may follow a line: flags if its last word begins one, else commands.
pub(super) fn suggest(line: &[String]) -> Outcome<()> {
    let root = legacy::table();
    let parsed = super::flags::parse(&root, line, |_| None).unwrap_or_default();
    if parsed.words.first().is_some_and(|word| matches!(word.as_str(), "help" | "h")) {
        return Ok(());
    }
    let mut path: Vec<&Command> = Vec::new();
    for word in &parsed.words {
        let among = path.last().map_or(COMMANDS, |command| command.below);
        let Some(found) = among.iter().find(|command| command.name == word) else { break };
        path.push(found);
    }
    let last = line.last().map_or("", String::as_str);
    let mut answer = Vec::new();
    if last.starts_with('-') {
        // as sops has it, the flags of the program follow too
        let above = if path.len() > 1 || path.last().is_some_and(|command| !command.below.is_empty()) {
            vec![tables::HELP]
        } else {
            root
        };
        let own = path.last().map(|command| command.flags.iter().copied().flatten().copied());
        let table = above.into_iter().chain(own.into_iter().flatten());
        table.for_each(|flag| complete(&flag, last, line, &mut answer));
    } else {
        let among = path.last().map_or(COMMANDS, |command| command.below);
        answer.extend(among.iter().map(|command| command.name.to_owned()));
        if path.last().is_none_or(|command| !command.below.is_empty()) {
            answer.extend(["help".to_owned(), "h".to_owned()]);
        }
    }
    let lines: Vec<String> = answer.into_iter().map(|word| format!("{word}\n")).collect();
    files::print(lines.concat().as_bytes())
}

fn complete(flag: &Flag, typed: &str, line: &[String], answer: &mut Vec<String>) {
    let dashed = |name: &str| format!("{}{name}", if name.len() == 1 { "-" } else { "--" });
    let begun = typed.trim_start_matches('-');
    if flag.names.iter().any(|name| line.iter().any(|word| *word == dashed(name))) {
        return;
    }
    let fits = |name: &&&str| {
        name.starts_with(begun) && **name != begun && (name.len() > 1 || !typed.starts_with("--"))
    };
    answer.extend(flag.names.iter().filter(fits).map(|name| dashed(name)));
}
