//! `uvars key list`: who has which keys.

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::keys::{Class, KeyFile, Registry};
use serde_json::json;

/// List who has which keys
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// One class only: admins, recovery, users, hosts or robots
    class: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let class: Option<Class> = arguments.class.as_deref().map(str::parse).transpose()?;
    let registry = Registry::read(&context.fleet_root()?)?;
    for warning in registry.warnings() {
        ui.warn(warning);
    }
    let files: Vec<&KeyFile> =
        registry.iter().filter(|file| class.is_none_or(|class| file.principal.class == class)).collect();
    if arguments.json {
        let all: Vec<_> = files.iter().map(|file| describe(file)).collect();
        return ui.json(&json!(all)).map(|()| Exit::Done);
    }
    let width = files.iter().map(|file| file.principal.to_string().len()).max().unwrap_or(0);
    for file in files {
        for (index, key) in file.keys.iter().enumerate() {
            let name = if index == 0 { file.principal.to_string() } else { String::new() };
            let comment = key.comment.as_deref().map(|text| format!("  # {text}")).unwrap_or_default();
            ui.line(format!("{name:width$}  {}{comment}", key.recipient.on_screen()))?;
        }
    }
    Ok(Exit::Done)
}

/// A principal and their keys.
pub(super) fn describe(file: &KeyFile) -> serde_json::Value {
    let keys: Vec<_> = file
        .keys
        .iter()
        .map(|key| {
            json!({
                "recipient": key.recipient.as_str(),
                "type": key.recipient.kind().to_string(),
                "converted": key.recipient.converted().map(|converted| converted.to_string()),
                "comment": key.comment,
                "line": key.line,
            })
        })
        .collect();
    json!({ "principal": file.principal.to_string(), "file": file.principal.path(), "keys": keys })
}
