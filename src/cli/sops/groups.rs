//! `sops groups add` and `sops groups delete`: the key groups that share a file's data key.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::encrypt::emit;
use super::fault::{Fault, Outcome};
use super::files;
use super::flags::{Flag, Kind};
use super::key_lists::FLAGS;
use super::new_file::checked;
use super::open::parse;
use super::tables::{AWS_PROFILE, CONTEXT, IN_PLACE, KEYSERVICE, LOCAL, THRESHOLD};
use crate::fs::Turn;
use crate::keys::MasterKey;
use crate::secret::DataKey;
use crate::sops::Encrypted;
use std::path::PathBuf;

pub(super) const COMMAND: Command = Command {
    name: "groups",
    words: "",
    about: "Change the key groups that share the data key of a file",
    more: "With several groups it takes a key of each of so many of them to open the file. Groups count from 0 here.",
    flags: &[],
    below: &[&ADD, &DELETE],
    run: |_| Ok(()),
};

const FILE: Flag = Flag::new(&["file", "f"], Kind::Text, "The file");

const ADD: Command = Command {
    name: "add",
    words: "",
    about: "Add a key group to a file",
    more: "A flag that names keys may be given several times.",
    flags: &[&[FILE], MEMBERS, &[IN_PLACE, THRESHOLD, CONTEXT, LOCAL, KEYSERVICE]],
    below: &[],
    run: add,
};

const MEMBERS: &[Flag] = &[
    Flag::new(&["pgp"], Kind::Texts, "An OpenPGP key, by its fingerprint"),
    Flag::new(&["kms"], Kind::Texts, "An AWS KMS key, by its ARN"),
    AWS_PROFILE,
    Flag::new(&["gcp-kms"], Kind::Texts, "A Google Cloud KMS key, by its resource ID"),
    Flag::new(&["hckms"], Kind::Texts, "A Huawei Cloud KMS key, REGION:UUID"),
    Flag::new(&["azure-kv"], Kind::Texts, "An Azure Key Vault key, by its URL"),
    Flag::new(&["hc-vault-transit"], Kind::Texts, "A key of HashiCorp Vault's transit engine, by its URI"),
    Flag::new(&["age"], Kind::Texts, "An age recipient"),
];

const DELETE: Command = Command {
    name: "delete",
    words: "INDEX",
    about: "Take a key group away from a file",
    more: "",
    flags: &[&[FILE, IN_PLACE, THRESHOLD, LOCAL, KEYSERVICE]],
    below: &[],
    run: delete,
};

fn add(call: &Call<'_>) -> Outcome<()> {
    if !call.words().is_empty() {
        return Err(Fault::failed("error: no positional arguments allowed"));
    }
    call.read_config()?;
    let keys = call.keys("")?;
    let target = Target::open(call)?;
    if keys.is_empty() {
        let flags: Vec<_> = FLAGS.iter().map(|(flag, _)| format!("--{flag}")).collect();
        return Err(Fault::failed(format!(
            "the new group would have no key, and nobody could open its share; name one by {}",
            flags.join(", ")
        )));
    }
    call.check_place(&target.path, &target.file, &target.key)?;
    let mut groups = target.file.metadata().key_groups();
    groups.push(keys);
    target.write(call, groups)
}

fn delete(call: &Call<'_>) -> Outcome<()> {
    let [index] = call.words() else {
        return Err(Fault::failed("error: exactly one positional argument (index) required"));
    };
    let at: usize = index.parse().ok().filter(|_| !index.starts_with('+')).ok_or_else(|| {
        Fault::logged(format!(
            "failed to parse [index] argument: strconv.ParseUint: parsing {index:?}: invalid syntax"
        ))
    })?;
    call.read_config()?;
    let target = Target::open(call)?;
    let mut groups = target.file.metadata().key_groups();
    let count = groups.len();
    if count == 1 && at == 0 {
        return Err(Fault::failed("this is the only key group: without it nobody could open the file"));
    }
    if at >= count {
        return Err(Fault::failed(format!("there is no key group {at}: the last one is {}", count - 1)));
    }
    groups.remove(at);
    let threshold = target.threshold(call);
    if i64::try_from(groups.len()).unwrap_or_default() < threshold {
        return Err(Fault::logged(format!(
            "removing this key group will make the Shamir threshold impossible to satisfy: \
             Shamir threshold is {threshold}, but we only have {} key groups",
            groups.len()
        )));
    }
    target.write(call, groups)
}

/// The file that is worked on, with its data key.
struct Target {
    path: PathBuf,
    _turn: Option<Turn>,
    file: Encrypted,
    key: DataKey,
}

impl Target {
    fn open(call: &Call<'_>) -> Outcome<Self> {
        let typed = call.text("file");
        let path = if typed.is_empty() { PathBuf::new() } else { call.absolute(typed) };
        let turn = if call.is_on("in-place") { files::turn(&path)? } else { None };
        let source = files::read(&path, typed.as_ref())?;
        let file = parse(source, call.format("input-type", &path)).map_err(Fault::into_logged)?;
        // sops ends with 1 here, and not with the code of every other command
        let key = call.unlock(&file).map_err(|fault| match fault.code() {
            Code::NoKey => fault.into_logged(),
            _ => fault,
        })?;
        Ok(Self { path, _turn: turn, file, key })
    }

    fn threshold(&self, call: &Call<'_>) -> i64 {
        match call.threshold() {
            0 => self.file.metadata().threshold(),
            threshold => threshold,
        }
    }

    /// Shares the data key out among these groups.
    fn write(self, call: &Call<'_>, groups: Vec<Vec<MasterKey>>) -> Outcome<()> {
        let stores = call.stores(self.file.format())?;
        let groups = checked(groups, self.threshold(call))?;
        let file =
            self.file.laid_out(stores).regroup(&self.key, &groups, call.context.now(), &call.services()?)?;
        let bytes = emit(file)?;
        if call.is_on("in-place") { call.write_back(&self.path, &bytes) } else { files::print(&bytes) }
    }
}
