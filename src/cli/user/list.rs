//! `uvars user list`: everybody, a line each.

use super::show::describe;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::table;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::{Fleet, Placement, User};
use serde_json::json;

/// List the users, and where each one is placed
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let fleet = Fleet::load(&context.fleet_root()?)?;
    let users = fleet.inventory().users();
    if arguments.json {
        let all: Vec<_> = users.iter().map(|user| describe(&fleet, user)).collect();
        return ui.json(&json!(all)).map(|()| Exit::Done);
    }
    table::print(ui, users.iter().map(|user| row(&fleet, user)))?;
    Ok(Exit::Done)
}

/// Login, role, policy, uid, key and hosts.
fn row(fleet: &Fleet, user: &User) -> Vec<String> {
    let account = &user.account;
    let hosts: Vec<_> = fleet.placements(user.name.as_str()).map(hostname).collect();
    let has_key = fleet.registry().get(&fleet.principal(user)).is_some();
    vec![
        user.name.to_string(),
        account.role.unwrap_or_default().word().to_owned(),
        account.policy.unwrap_or_default().word().to_owned(),
        account.uid.map_or_else(|| "-".to_owned(), |uid| uid.to_string()),
        if has_key { "key" } else { "no key" }.to_owned(),
        if hosts.is_empty() { "nowhere".to_owned() } else { hosts.join(" ") },
    ]
}

fn hostname(placement: Placement<'_>) -> String {
    placement.host.name.to_string()
}
