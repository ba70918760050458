//! Commands that `exec-env` and `exec-file` run: by the shell, as another user if so wanted, and what they end with.

use super::code::Code;
use super::fault::{Fault, Outcome};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

/// The shell with a command.
pub(super) fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command);
    shell
}

/// How a child ended, as sops tells it.
pub(super) fn ended(status: ExitStatus) -> Outcome<()> {
    if status.success() {
        return Ok(());
    }
    if let Some(code) = status.code() {
        let number = u8::try_from(code).unwrap_or(255);
        return Err(Fault::new(Code::Child(number), format!("exit status {code}")));
    }
    let signal = status.signal().unwrap_or_default();
    let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal");
    Err(Fault::new(Code::Child(255), format!("signal: {name}")))
}

/// A user of the system.
#[cfg(target_os = "linux")]
struct User {
    name: String,
    home: String,
    uid: u32,
    gid: u32,
}

/// User and group that something is given to.
///
/// Errors: there is no such user.
#[cfg(target_os = "linux")]
pub(super) fn ids(name: &str) -> Outcome<(u32, u32)> {
    user(name).map(|user| (user.uid, user.gid))
}

#[cfg(target_os = "linux")]
fn user(name: &str) -> Outcome<User> {
    let unknown = || Fault::logged(format!("user: unknown user {name}"));
    let entry = asked("getent", &["passwd", "--", name]).ok_or_else(unknown)?;
    let fields: Vec<&str> = entry.trim_end().split(':').collect();
    let [login, _, uid, gid, _, home, ..] = fields.as_slice() else { return Err(unknown()) };
    let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else { return Err(unknown()) };
    Ok(User { name: (*login).to_owned(), home: (*home).to_owned(), uid, gid })
}

/// Lets this process be another user, with that user's groups, before a child is started.
///
/// Errors: there is no such user; we may not be it.
#[cfg(target_os = "linux")]
pub(super) fn become_user(name: &str, command: &mut Command) -> Outcome<()> {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    let user = user(name)?;
    let groups = asked("id", &["-G", "--", name]).unwrap_or_default();
    let groups: Vec<Gid> =
        groups.split_whitespace().filter_map(|id| id.parse().ok()).map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    // of this thread, which is the one that starts the child
    let switched = set_thread_groups(&groups)
        .and_then(|()| set_thread_res_gid(gid, gid, gid))
        .and_then(|()| set_thread_res_uid(uid, uid, uid));
    switched.map_err(|errno| Fault::logged(std::io::Error::from(errno).to_string()))?;
    command.env("HOME", user.home).env("USER", &user.name).env("LOGNAME", &user.name);
    Ok(())
}

/// The same where there is no way to it without unsafe code.
#[cfg(not(target_os = "linux"))]
pub(super) fn become_user(name: &str, _command: &mut Command) -> Outcome<()> {
    ids(name).map(drop)
}

/// The same where there is no way to it without unsafe code.
#[cfg(not(target_os = "linux"))]
pub(super) fn ids(name: &str) -> Outcome<(u32, u32)> {
    Err(Fault::failed(format!("--user is for Linux alone; try: sudo -u {name} sops …")))
}

/// What a program of the system answers.
#[cfg(target_os = "linux")]
fn asked(program: &str, arguments: &[&str]) -> Option<String> {
    let folders = ["/usr/bin", "/bin", "/run/current-system/sw/bin"].map(std::path::Path::new);
    let program = folders.map(|folder| folder.join(program)).into_iter().find(|path| path.is_file())?;
    let output = Command::new(program).args(arguments).env_clear().output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
