//! `uvars host list`: every host, a line each.

use super::show::{describe, tags};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::table;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::{Fleet, Host};
use serde_json::json;

/// List the hosts, and who is placed on each
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let fleet = Fleet::load(&context.fleet_root()?)?;
    let hosts = fleet.inventory().hosts();
    if arguments.json {
        let all: Vec<_> = hosts.iter().map(|host| describe(&fleet, host)).collect();
        return ui.json(&json!(all)).map(|()| Exit::Done);
    }
    table::print(ui, hosts.iter().map(|host| row(&fleet, host)))?;
    Ok(Exit::Done)
}

/// Name, platform, key, tags and users.
fn row(fleet: &Fleet, host: &Host) -> Vec<String> {
    let users = fleet.inventory().placed_on(host.name.as_str());
    let users: Vec<_> = users.map(|placement| placement.user.name.to_string()).collect();
    let or_none = |words: String| if words.is_empty() { "-".to_owned() } else { words };
    vec![
        host.name.to_string(),
        host.platform.word().to_owned(),
        if host.pending.is_some() { "pending" } else { "key" }.to_owned(),
        or_none(tags(host).join(",")),
        or_none(users.join(" ")),
    ]
}
