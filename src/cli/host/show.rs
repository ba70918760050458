//! `uvars host show`: one host, and everything that lands on it.

use crate::cli::context::{Context, INVENTORY};
use crate::cli::exit::Exit;
use crate::cli::ui::{Look, Ui};
use crate::error::Result;
use crate::fleet::{Fleet, From, Host, Shared};
use crate::keys::{Class, Principal};
use serde_json::{Value, json};

/// Show one host: fields, key, who is placed on it, and what it reads and installs
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The host's name
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let fleet = Fleet::load(&context.fleet_root()?)?;
    let inventory = fleet.inventory();
    let host = inventory.need_host(&arguments.name)?;
    if arguments.json {
        return ui.json(&describe(&fleet, host)).map(|()| Exit::Done);
    }
    let name = ui.look(Look::Strong, &host.name);
    ui.ready(&format!("{name}  ({INVENTORY}:{})", host.place.line))?;
    ui.line(format!("  {:<9} {}", "platform", host.platform.word()))?;
    if !host.tags.is_empty() {
        ui.line(format!("  {:<9} {}", "tags", tags(host).join(", ")))?;
    }
    let keys = recipients(&fleet, host);
    if keys.is_empty() {
        ui.line(format!("  {:<9} pending: uvars key add hosts/{} FILE", "key", host.name))?;
    }
    for key in keys {
        ui.line(format!("  {:<9} {key}", "key"))?;
    }
    for placement in inventory.placed_on(host.name.as_str()) {
        let uid = placement.uid().map_or_else(String::new, |uid| format!(", uid {uid}"));
        let integrated = if placement.is_integrated() { ", integrated" } else { "" };
        let (role, policy) = (placement.role().word(), placement.policy().word());
        ui.line(format!("  {:<9} {}: {role}, {policy}{uid}{integrated}", "user", placement.user.name))?;
    }
    for shared in reads(&fleet, host) {
        ui.line(format!("  {:<9} shared/{}", "reads", shared.name))?;
    }
    for item in inventory.installed_on(host.name.as_str()) {
        ui.line(format!(
            "  {:<9} {} from {} ({})",
            "installs",
            item.name,
            source(&item.from, host),
            item.key
        ))?;
    }
    Ok(Exit::Done)
}

pub(super) fn tags(host: &Host) -> Vec<&str> {
    host.tags.iter().map(|tag| tag.value.as_str()).collect()
}

fn recipients(fleet: &Fleet, host: &Host) -> Vec<String> {
    let principal = Principal { class: Class::Hosts, name: host.name.to_string() };
    let file = fleet.registry().get(&principal);
    file.map(|file| file.recipients().map(|key| key.as_str().to_owned()).collect()).unwrap_or_default()
}

/// The shared files that name the host.
fn reads<'f>(fleet: &'f Fleet, host: &Host) -> Vec<&'f Shared> {
    let inventory = fleet.inventory();
    let names = |shared: &Shared| inventory.hosts_of_shared(shared).any(|other| other.name == host.name);
    inventory.shared().iter().filter(|shared| names(shared)).collect()
}

fn source(from: &From, host: &Host) -> String {
    match from {
        From::Hosts => format!("hosts/{}", host.name),
        From::Shared(name) => format!("shared/{name}"),
    }
}

/// A host as JSON.
pub(super) fn describe(fleet: &Fleet, host: &Host) -> Value {
    let inventory = fleet.inventory();
    let users: Vec<_> = inventory
        .placed_on(host.name.as_str())
        .map(|placement| {
            json!({
                "user": placement.user.name.as_str(),
                "tag": placement.reason().0,
                "role": placement.role().word(),
                "policy": placement.policy().word(),
                "uid": placement.uid(),
                "integrated": placement.is_integrated(),
            })
        })
        .collect();
    let installs: Vec<_> = inventory
        .installed_on(host.name.as_str())
        .map(|item| json!({ "name": item.name.as_str(), "from": source(&item.from, host), "key": item.key.to_string() }))
        .collect();
    json!({
        "name": host.name.as_str(),
        "line": host.place.line,
        "platform": host.platform.word(),
        "tags": tags(host),
        "pending": host.pending.is_some(),
        "recipients": recipients(fleet, host),
        "users": users,
        "shared": reads(fleet, host).iter().map(|shared| shared.name.as_str()).collect::<Vec<_>>(),
        "installs": installs,
    })
}
