//! An account file stays what a host needs to let its user in, whoever writes in it.

use super::context::Context;
use super::document::Document;
use super::tracked::git_line;
use crate::error::{Error, Result};
use crate::fleet::{FileKind, Fleet};
use crate::password::recognise;
use crate::sops::{KeyPath, Plain, Value};
use crate::vars::field;

/// Refuses as the password hash of an account what no login takes for one.
pub(super) fn refuse_no_hash(
    context: &Context,
    document: &Document,
    path: &KeyPath,
    value: &Value,
) -> Result<()> {
    let is_hash = |text: &str| recognise(text).is_some_and(|found| found.scheme.certain());
    match Account::of(context, document) {
        Some(account) if *path == named(field::HASH) && !value.as_str().is_some_and(is_hash) => {
            Err(account.instead(field::HASH, "this is no password hash, and nobody could log in with it"))
        }
        _ => Ok(()),
    }
}

/// Refuses values that take from an account file what it had, whose it is or the password, and such as make it
/// another's. What does not fit its place may go.
pub(super) fn keep_account(
    context: &Context,
    document: &Document,
    before: &Plain,
    after: &Plain,
) -> Result<()> {
    let Some(account) = Account::of(context, document) else { return Ok(()) };
    for name in [field::USER, field::HOST] {
        let (before, after) = (before.get(&named(name)), after.get(&named(name)));
        let fits =
            |value: &Option<Value>| value.as_ref().map(Value::as_str) == account.written(name).map(Some);
        let mends = fits(&after) || after.is_none() && !fits(&before);
        if before != after && !mends {
            let why = "says whose the file is, and is written by nothing but uvars generate";
            return Err(account.instead(name, why));
        }
    }
    let gone = |name: &str| before.get(&named(name)).is_some() && after.get(&named(name)).is_none();
    let lost = if gone(field::HASH) {
        Some(field::HASH)
    } else {
        // beside a hash it is left over
        Some(field::PASSWORD).filter(|name| gone(name) && after.get(&named(field::HASH)).is_none())
    };
    let Some(name) = lost else { return Ok(()) };
    let error = account.instead(name, "without it nobody could log in");
    Err(if account.is_wanted() {
        error.hint(format!("if there is to be no password: uvars user set {} password=false", account.user))
    } else {
        error
    })
}

/// What an account file is for.
struct Account<'d> {
    context: &'d Context,
    document: &'d Document,
    kind: FileKind,
    user: String,
    host: Option<String>,
}

impl<'d> Account<'d> {
    fn of(context: &'d Context, document: &'d Document) -> Option<Self> {
        let kind = FileKind::of(document.bound_path()?.as_str())?;
        let FileKind::Account(user, host) = &kind else { return None };
        let (user, host) = (user.to_string(), host.as_ref().map(ToString::to_string));
        Some(Self { context, document, kind, user, host })
    }

    /// What the file says of whose it is.
    fn written(&self, name: &str) -> Option<&str> {
        if name == field::USER { Some(&self.user) } else { self.host.as_deref() }
    }

    /// Whether the inventory has a password there. One that cannot be read takes none away.
    fn is_wanted(&self) -> bool {
        let Some((root, _)) = self.document.in_fleet() else { return true };
        let Ok(fleet) = Fleet::load(root) else { return true };
        let user = fleet.inventory().user(&self.user);
        user.is_some_and(|user| fleet.account_files(user).contains(&self.kind))
    }

    /// The error that says what to do in place of a change.
    fn instead(&self, name: &str, why: &str) -> Error {
        let error = Error::new(why).at(self.document.shown()).key(name);
        if !self.is_wanted() {
            let place = self.document.absolute().unwrap_or_else(|_| self.kind.path().into());
            let remove = git_line(self.context, "rm", &[place]);
            return error.hint(format!("the inventory has no password there, and the file may go: {remove}"));
        }
        let host = self.host.as_ref().map(|host| format!("@{host}")).unwrap_or_default();
        error.hint(format!(
            "uvars generate {}{host} --regenerate asks for the password and makes the hash",
            self.user
        ))
    }
}

fn named(name: &str) -> KeyPath {
    KeyPath::of_keys([name])
}
