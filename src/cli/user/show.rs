//! `uvars user show`: one user, on every host.

use crate::cli::context::{Context, INVENTORY};
use crate::cli::exit::Exit;
use crate::cli::ui::{Look, Ui};
use crate::error::Result;
use crate::fleet::{Account, Fleet, Format, Password, Placement, User};
use serde_json::{Value, json};

/// Show one user: fields, keys, and what holds on each host
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The login
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let fleet = Fleet::load(&context.fleet_root()?)?;
    let user = fleet.inventory().need_user(&arguments.name)?;
    if arguments.json {
        return ui.json(&describe(&fleet, user)).map(|()| Exit::Done);
    }
    let name = ui.look(Look::Strong, &user.name);
    ui.ready(&format!("{name}  ({INVENTORY}:{})", user.place.line))?;
    for (field, text) in fields(&fleet, user) {
        ui.line(format!("  {field:<16} {text}"))?;
    }
    for placement in fleet.placements(user.name.as_str()) {
        let host = ui.look(Look::Strong, &placement.host.name);
        let here = here(user, &placement);
        ui.ready(&format!("  on {host}{}", crate::cli::ui::shown(&here)))?;
    }
    Ok(Exit::Done)
}

/// What holds everywhere, field by field.
fn fields(fleet: &Fleet, user: &User) -> Vec<(&'static str, String)> {
    let mut fields = vec![("key", keys(fleet, user))];
    fields.extend(account(&user.account));
    fields.push(("password", password(user.password)));
    if !user.modules.is_empty() {
        fields.push(("modules", user.modules.join(", ")));
    }
    fields
}

fn keys(fleet: &Fleet, user: &User) -> String {
    let principal = fleet.principal(user);
    match fleet.registry().get(&principal).map(|file| file.keys.len()) {
        None => format!("none: uvars key add {principal} FILE"),
        Some(1) => principal.path(),
        Some(count) => format!("{} ({count} keys)", principal.path()),
    }
}

fn password(password: Option<Password>) -> String {
    let Some(password) = password else { return "none".to_owned() };
    let mut text = vec![if password.prompt { "asked for" } else { "six words" }];
    text.push(if password.share { "one for all hosts" } else { "one a host" });
    text.extend(password.keep.then_some("handed to its owner"));
    text.extend((password.format == Format::Plaintext).then_some("kept as plaintext"));
    text.join(", ")
}

/// The fields of an account that are said.
fn account(account: &Account) -> Vec<(&'static str, String)> {
    let list = |items: &[String]| items.join(", ");
    let mut fields = Vec::new();
    let mut say = |name: &'static str, text: Option<String>| fields.extend(text.map(|text| (name, text)));
    say("role", account.role.map(|role| role.word().to_owned()));
    say("policy", account.policy.map(|policy| policy.word().to_owned()));
    say("uid", account.uid.map(|uid| uid.to_string()));
    say("description", account.description.clone());
    say("group_primary", account.group_primary.as_ref().map(ToString::to_string));
    let groups = account.groups_secondary.as_ref();
    say("groups_secondary", groups.map(|all| list(&all.iter().map(ToString::to_string).collect::<Vec<_>>())));
    say("home_dir", account.home_dir.clone());
    say("shell", account.shell.clone());
    say("authorized_keys", account.authorized_keys.as_ref().map(|keys| list(keys)));
    fields
}

/// Why the user is on the host, and what is different there.
fn here(user: &User, placement: &Placement<'_>) -> String {
    let mut said: Vec<String> =
        placement.reason().0.map(|tag| format!("by the tag {tag}")).into_iter().collect();
    let everywhere = account(&user.account);
    let here = account(&placement.account()).into_iter().filter(|field| !everywhere.contains(field));
    said.extend(here.map(|(name, text)| format!("{name} {text}")));
    said.extend(placement.is_integrated().then(|| "integrated".to_owned()));
    if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) }
}

/// A user as JSON.
pub(super) fn describe(fleet: &Fleet, user: &User) -> Value {
    let principal = fleet.principal(user);
    let recipients = fleet
        .registry()
        .get(&principal)
        .map(|file| file.recipients().map(|recipient| recipient.as_str().to_owned()).collect::<Vec<_>>());
    let password = user.password.map(|password| {
        json!({
            "prompt": password.prompt,
            "share": password.share,
            "keep": password.keep,
            "format": password.format.word(),
        })
    });
    let placements: Vec<_> = fleet
        .placements(user.name.as_str())
        .map(|placement| {
            let mut value = of_account(&placement.account());
            if let Value::Object(map) = &mut value {
                map.insert("host".to_owned(), json!(placement.host.name.as_str()));
                map.insert("tag".to_owned(), json!(placement.reason().0));
                map.insert("integrated".to_owned(), json!(placement.is_integrated()));
            }
            value
        })
        .collect();
    json!({
        "name": user.name.as_str(),
        "line": user.place.line,
        "hosts": user.hosts.iter().map(|host| host.value.as_str()).collect::<Vec<_>>(),
        "tags": user.tags.iter().map(|tag| tag.value.as_str()).collect::<Vec<_>>(),
        "integrated": user.integrated.iter().map(|host| host.value.as_str()).collect::<Vec<_>>(),
        "key": { "principal": principal.to_string(), "recipients": recipients },
        "account": of_account(&user.account),
        "password": password,
        "modules": user.modules,
        "placements": placements,
    })
}

/// What is not said is null.
fn of_account(account: &Account) -> Value {
    json!({
        "role": account.role.unwrap_or_default().word(),
        "policy": account.policy.unwrap_or_default().word(),
        "uid": account.uid,
        "description": account.description,
        "group_primary": account.group_primary.as_ref().map(ToString::to_string),
        "groups_secondary": account.groups_secondary.as_ref().map(|groups| groups.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "home_dir": account.home_dir,
        "shell": account.shell,
        "authorized_keys": account.authorized_keys,
    })
}
