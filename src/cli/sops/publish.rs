//! `sops publish`: files taken to where the destination rules say: values to Vault, encrypted files to a folder.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::encrypt::emit;
use super::fault::{Fault, Outcome};
use super::files;
use super::flags::{Flag, Kind};
use super::log::{self, Level};
use super::open::{Opened, not_dumped, parse};
use super::tables::{KEYSERVICE, LOCAL, ORDER, VERBOSE, YES};
use super::updatekeys::Changes;
use crate::error::{as_file, as_word};
use crate::keys::MasterKey;
use crate::publish::{self, Sent, Vault, VaultSettings};
use crate::rules::{Destination, DestinationRule};
use crate::secret::Secret;
use crate::sops::{BINDING_KEY, Encrypted, Format, KeyGroups, KeyPath};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub(super) const COMMAND: Command = Command {
    name: "publish",
    words: "PATH",
    about: "Publish a file, or a folder of files, to where the destination rules of .sops.yaml say",
    more: "vault_path takes the values in clear to Vault's key-value engine; VAULT_ADDR, VAULT_TOKEN or ~/.vault-token, \
           VAULT_NAMESPACE, VAULT_CACERT, VAULT_CLIENT_CERT and VAULT_CLIENT_KEY count. directory, which sops does not have, \
           takes the encrypted file to a folder. Buckets of clouds are for their own programs.",
    flags: &[&[YES, OMIT_EXTENSIONS, RECURSIVE, VERBOSE, ORDER, LOCAL, KEYSERVICE]],
    below: &[],
    run,
};

const OMIT_EXTENSIONS: Flag =
    Flag::new(&["omit-extensions"], Kind::Switch(false), "Leave the end of the name behind");
const RECURSIVE: Flag =
    Flag::new(&["recursive"], Kind::Switch(false), "Publish every file of a folder, and of those below");

fn run(call: &Call<'_>) -> Outcome<()> {
    if call.config_path().is_none() {
        return Err(Fault::failed("config file not found"));
    }
    if call.words().is_empty() {
        return Err(Fault::new(Code::NoFile, "Error: no file specified"));
    }
    call.only_one_word()?;
    call.check_order()?;
    let typed = Path::new(call.word(0));
    let path = call.context.path(typed);
    let found = path.metadata();
    let found =
        found.map_err(|_| Fault::failed(format!("stat {}: no such file or directory", typed.display())))?;
    if !found.is_dir() {
        return one(call, typed, Path::new(typed.file_name().unwrap_or_default()), false);
    }
    if !call.is_on("recursive") {
        return Err(Fault::failed("can't operate on a directory without --recursive flag."));
    }
    let names = below(&path, Path::new(""))?;
    each_its_own(call, typed, &names)?;
    for name in names {
        one(call, &typed.join(&name), &name, true)?;
    }
    Ok(())
}

/// Refuses files of which one would take the place of another: without their ends `a.yaml` and `a.json` have one name.
fn each_its_own(call: &Call<'_>, typed: &Path, names: &[PathBuf]) -> Outcome<()> {
    let Some(config) = call.read_config()? else { return Ok(()) };
    let mut taken: BTreeMap<(*const DestinationRule, PathBuf), &Path> = BTreeMap::new();
    for name in names {
        let Some(rule) = config.destination(&typed.join(name)) else { continue };
        let there = name_there(call, rule, name);
        if let Some(other) = taken.insert((std::ptr::from_ref(rule), there), name) {
            let [one, other] = [other, name].map(|name| typed.join(name));
            return Err(Fault::failed(format!(
                "{} and {} would have the same name where they go, and only one of them would be there; nothing was sent",
                one.display(),
                other.display()
            )));
        }
    }
    Ok(())
}

/// What a file is called at its destination.
fn name_there(call: &Call<'_>, rule: &DestinationRule, name: &Path) -> PathBuf {
    if rule.omit_extensions || call.is_on("omit-extensions") {
        name.with_extension("")
    } else {
        name.to_owned()
    }
}

/// Every file below a folder, by its name from there, in the order of the names. Links to folders are not followed.
fn below(root: &Path, folder: &Path) -> Outcome<Vec<PathBuf>> {
    let unread =
        |error: std::io::Error| Fault::failed(format!("open {}: {error}", root.join(folder).display()));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        names.push((folder.join(entry.file_name()), entry.file_type().map_err(unread)?.is_dir()));
    }
    names.sort();
    let mut found = Vec::new();
    for (name, is_folder) in names {
        if is_folder { found.extend(below(root, &name)?) } else { found.push(name) }
    }
    Ok(found)
}

/// What is sent, and where it goes.
enum Parcel {
    Values { vault: Box<Vault>, path: String, version: u8, values: Secret },
    File { folder: PathBuf, name: PathBuf, bytes: Vec<u8> },
}

/// Publishes one file. `name` is what it is called at its destination.
fn one(call: &Call<'_>, typed: &Path, name: &Path, is_one_of_many: bool) -> Outcome<()> {
    let config = call.read_config()?;
    let rule = config.as_ref().and_then(|config| config.destination(typed));
    let rule =
        rule.ok_or_else(|| Fault::failed("error loading config: no matching destination found in config"))?;
    let Some(destination) = &rule.destination else {
        return Err(Fault::failed("no destination configured for this file"));
    };
    let name = name_there(call, rule, name);
    let place = call.absolute(&typed.to_string_lossy());
    let folder = config.as_ref().map_or(Path::new("/"), |config| config.folder());
    let parcel = match destination {
        Destination::S3 { bucket, prefix } => {
            let there = format!("s3://{bucket}/{prefix}{}", name.display());
            return Err(of_a_cloud("aws s3 cp", &there, &place, rule, typed, &name));
        }
        Destination::Gcs { bucket, prefix } => {
            let there = format!("gs://{bucket}/{prefix}{}", name.display());
            return Err(of_a_cloud("gcloud storage cp", &there, &place, rule, typed, &name));
        }
        Destination::Directory(directory) => {
            let bytes = sealed(call, &place, rule)?;
            Parcel::File { folder: folder.join(directory), name, bytes }
        }
        Destination::Vault { address, path, mount, version } => {
            let data = if *version == 1 { "" } else { "data/" };
            let vault = Box::new(Vault::new(settings(call, address)?)?);
            let path = format!("{mount}{data}{path}{}", name.display());
            check_path(&path)?;
            Parcel::Values { vault, path, version: *version, values: values(call, &place)? }
        }
    };
    if !call.is_on("yes") && !is_okay(&place, &parcel)? {
        let said = format!("Publication of {} canceled", place.display());
        return if is_one_of_many {
            files::print(format!("{said}\n").as_bytes())
        } else {
            Err(Fault::failed(said))
        };
    }
    send(call, parcel)
}

fn send(call: &Call<'_>, parcel: Parcel) -> Outcome<()> {
    let up_to_date = match parcel {
        Parcel::Values { vault, path, version, values } => match vault.write(&path, version, &values)? {
            Sent::UpToDate => Some(path),
            Sent::Written => None,
            Sent::WrittenUnseen => {
                let text = format!(
                    "Cannot check if destination secret already exists in {path}. New version will be created even if the data has not been changed."
                );
                log::named_line("PUBLISH", Level::Warning, &text, &[]);
                None
            }
        },
        Parcel::File { folder, name, bytes } => {
            let put = publish::put(&folder, &name, &bytes)?;
            put.is_none().then(|| folder.join(name).display().to_string())
        }
    };
    if let Some(place) = up_to_date.filter(|_| call.is_on("verbose") || call.root.is_on("verbose")) {
        let text = format!("Secret in {place} is already up-to-date.");
        log::named_line("PUBLISH", Level::Info, &text, &[]);
    }
    Ok(())
}

/// The values of a file, as one JSON object.
fn values(call: &Call<'_>, place: &Path) -> Outcome<Secret> {
    let mut plain = opened(call, place)?.plain;
    if plain.documents() > 1 {
        return Err(Fault::failed(format!(
            "{}: the file has {} documents, and an entry of Vault is one",
            place.display(),
            plain.documents()
        )));
    }
    if plain.binding().is_some() {
        // where a file belongs is not among what it says
        plain.unset(&KeyPath::of_keys([BINDING_KEY]))?;
    }
    plain.emit(Format::Json).map_err(not_dumped("Error dumping file: "))
}

/// The encrypted file, and the key groups that its rule names for there: none where it stays as it is.
///
/// Errors: it is not encrypted.
fn for_there(
    bytes: &Secret,
    place: &Path,
    rule: &DestinationRule,
) -> Outcome<(Encrypted, Vec<Vec<MasterKey>>)> {
    let file = parse(bytes.clone(), Format::of_path(place))?;
    let wanted = rule.recreation.key_groups()?;
    let names_nobody = wanted.iter().all(Vec::is_empty);
    Ok((file, if names_nobody { Vec::new() } else { wanted }))
}

/// The encrypted file: as it is, or for the keys that its rule names for there.
fn sealed(call: &Call<'_>, place: &Path, rule: &DestinationRule) -> Outcome<Vec<u8>> {
    let bytes = files::read(place, place)?;
    let format = Format::of_path(place);
    let (file, wanted) = for_there(&bytes, place, rule)?;
    if wanted.is_empty() {
        return Ok(bytes.expose().to_vec());
    }
    let opened = opened(call, place)?;
    let changes = Changes::of(&file.metadata().key_groups(), &wanted);
    if !changes.is_none() {
        let text = format!("The following changes will be made to the file's key groups:\n{changes}");
        files::print(text.as_bytes())?;
    }
    let threshold = i64::from(rule.recreation.shamir_threshold.unwrap_or_default());
    let unmade = |why: &crate::error::Error| Fault::of(Code::Failed, "Could not generate data key: ", why);
    let groups = KeyGroups::new(wanted, threshold).map_err(|error| unmade(&error))?;
    let (rules, now, services) = (rule.recreation.encryption()?, call.context.now(), call.services()?);
    let stores = call.stores(format)?;
    let plain = opened.plain.laid_out(stores);
    let made = Encrypted::create_for(&plain, &groups, &rules, now, format, &services);
    emit(made.map_err(|error| unmade(&error))?)
}

fn opened(call: &Call<'_>, place: &Path) -> Outcome<Opened> {
    call.open(&call.named(Some(place.to_owned())), Format::of_path(place))
}

/// Vault as the rule says, else as its own programs find it.
fn settings(call: &Call<'_>, address: &str) -> Outcome<VaultSettings> {
    let variable = |name: &str| call.context.variable(name);
    let text =
        |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
    if !matches!(text("VAULT_SKIP_VERIFY").as_str(), "" | "0" | "f" | "F" | "false" | "FALSE" | "False") {
        return Err(Fault::failed(
            "VAULT_SKIP_VERIFY is set: values are not sent to whoever answers; name the certificate to believe in VAULT_CACERT",
        ));
    }
    let token = match variable("VAULT_TOKEN") {
        Some(token) => Secret::from(&*token.to_string_lossy()),
        None => logged_in(variable("HOME").as_deref())?,
    };
    let client = variable("VAULT_CLIENT_CERT").zip(variable("VAULT_CLIENT_KEY"));
    Ok(VaultSettings {
        address: if address.is_empty() { text("VAULT_ADDR") } else { address.to_owned() },
        token,
        namespace: text("VAULT_NAMESPACE"),
        ca: variable("VAULT_CACERT").map(PathBuf::from),
        client: client.map(|(certificate, key)| (certificate.into(), key.into())),
    })
}

/// The token that `vault login` left behind.
fn logged_in(home: Option<&OsStr>) -> Outcome<Secret> {
    let Some(home) = home else { return Ok(Secret::default()) };
    let found = crate::fs::read_source(&Path::new(home).join(".vault-token"))?;
    let text = found.map(|source| source.secret).unwrap_or_default();
    Ok(Secret::from(text.expose().trim_ascii()))
}

/// What would lead elsewhere in Vault is no name.
fn check_path(path: &str) -> Outcome<()> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if path.split('/').all(is_plain) && !path.contains(char::is_control) {
        return Ok(());
    }
    Err(Fault::failed(format!(
        "{path:?} cannot be a path of Vault: a part of it is empty, a dot or two, or has control characters"
    )))
}

/// What to type instead, for a file that may go there: encrypted, and for the keys that its rule names for there.
fn of_a_cloud(
    tool: &str,
    there: &str,
    place: &Path,
    rule: &DestinationRule,
    typed: &Path,
    name: &Path,
) -> Fault {
    let there = there.split_once("://").map(|(scheme, path)| format!("{scheme}://{}", as_word(path)));
    let there = there.unwrap_or_default();
    let told = || {
        let wanted = for_there(&files::read(place, place)?, place, rule)?.1;
        let said = "publishing to a bucket of a cloud is its own program's to do";
        Ok(Fault::failed(if wanted.is_empty() {
            format!("{said}: {tool} {} {there}", as_file(&typed.to_string_lossy()))
        } else {
            let made = Path::new("FOLDER").join(name);
            format!(
                "{said}, once the file is made for the keys of its recreation_rule: put 'directory: FOLDER' in the place of \
                 the bucket, publish it, then {tool} {} {there}",
                as_file(&made.to_string_lossy())
            )
        }))
    };
    told().unwrap_or_else(|fault| fault)
}

/// Asks until the answer is y or n.
///
/// Errors: there is no answer.
fn is_okay(place: &Path, parcel: &Parcel) -> Outcome<bool> {
    let to = match parcel {
        Parcel::Values { vault, path, .. } => vault.url(path),
        Parcel::File { folder, name, .. } => folder.join(name).display().to_string(),
    };
    super::answer::yes_or_no(&format!("uploading {} to {to} ? (y/n): ", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_vault_leads_nowhere_else() {
        for path in [
            "secret/data/apps/a.yaml",
            "kv/x/jon@home",
            "secret/a b",
            "secret/a?b",
            "secret/a%2fb",
            "secret/\u{e4}",
        ] {
            assert!(check_path(path).is_ok(), "{path}");
        }
        for path in
            ["secret/data/../sys/seal", "secret//a", "secret/./a", "secret/a/", "/a", "", "secret/a\nb"]
        {
            assert!(check_path(path).is_err(), "{path}");
        }
    }
}
