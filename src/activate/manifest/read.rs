//! From the bytes of a manifest to its fields, each checked by itself.

use super::super::json::{Fields, Json};
use super::super::names;
use super::{Account, File, Format, Install, Manifest, Personal, Phase, Policy, Settings, VERSION, Whose};
use crate::error::{Error, Result};
use crate::fs::{Digest, RepoPath};

impl Manifest {
    /// Reads a manifest; errors name the field, and the caller names the file.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let json = Json::parse(bytes)?;
        check_version(&json)?;
        let known = ["version", "for", "files", "accounts", "installs", "personal", "settings"];
        let top = Fields::of(&json, String::new(), &known)?;
        let manifest = Self {
            of: whose(top.text("for")?).map_err(|error| error.key("for"))?,
            files: each(&top, "files", file)?,
            accounts: each(&top, "accounts", account)?,
            installs: each(&top, "installs", install)?,
            personal: each(&top, "personal", personal)?,
            settings: settings(&top)?,
        };
        manifest.check()?;
        Ok(manifest)
    }
}

/// The version comes first, so that a newer manifest is called newer and not full of unknown fields.
fn check_version(json: &Json) -> Result<()> {
    let found = match json {
        Json::Object(fields) => fields.iter().find(|(name, _)| name == "version").map(|(_, version)| version),
        _ => return Err(Error::new("must be an object with the field version")),
    };
    match found {
        Some(Json::Count(version)) if *version == u64::from(VERSION) => Ok(()),
        Some(Json::Count(version)) => {
            Err(Error::new(format!("is {version}, and this uvars reads {VERSION}")).key("version").hint(
                "install the version of uvars that made this manifest, or export it again with this one",
            ))
        }
        Some(_) => Err(Error::new("must be a number").key("version")),
        None => Err(Error::new("is missing").key("version")),
    }
}

fn each<T>(top: &Fields, name: &str, read: fn(&Json, String) -> Result<T>) -> Result<Vec<T>> {
    top.items(name)?.into_iter().map(|(path, item)| read(item, path)).collect()
}

fn whose(text: &str) -> Result<Whose> {
    match text.split_once('/') {
        Some(("hosts", name)) => Ok(Whose::Host(names::host(name)?.to_owned())),
        Some(("users", name)) => Ok(Whose::User(names::user(name)?.to_owned())),
        _ => Err(Error::new("must be hosts/NAME or users/NAME")),
    }
}

fn file(json: &Json, path: String) -> Result<File> {
    let fields = Fields::of(json, path, &["path", "sha256"])?;
    let sha256 = Digest::parse(fields.text("sha256")?).ok_or_else(|| {
        Error::new("must be 64 lower-case hexadecimal digits").key(fields.path_of("sha256"))
    })?;
    Ok(File { path: repo_path(&fields, "path")?, sha256 })
}

fn account(json: &Json, path: String) -> Result<Account> {
    let known = [
        "user",
        "policy",
        "from",
        "format",
        "admin",
        "uid",
        "description",
        "group_primary",
        "groups_secondary",
        "home_dir",
        "shell",
        "authorized_keys",
    ];
    let fields = Fields::of(json, path, &known)?;
    let policy = match fields.text("policy")? {
        "present" => Policy::Present,
        "locked" => Policy::Locked,
        "absent" => Policy::Absent,
        _ => return Err(Error::new("must be present, locked or absent").key(fields.path_of("policy"))),
    };
    let format = match fields.text_if_any("format")? {
        None | Some("hash") => Format::Hash,
        Some("plaintext") => Format::Plaintext,
        Some(_) => return Err(Error::new("must be hash or plaintext").key(fields.path_of("format"))),
    };
    let admin = match fields.get("admin") {
        None => false,
        Some(Json::Bool(admin)) => *admin,
        Some(_) => return Err(Error::new("must be true or false").key(fields.path_of("admin"))),
    };
    let text = |name: &str, check| fields.get(name).map(|_| named(&fields, name, check)).transpose();
    let texts = |name: &str, check| fields.get(name).map(|_| all_named(&fields, name, check)).transpose();
    let uid = fields.count_if_any("uid")?.map(names::uid).transpose();
    Ok(Account {
        user: named(&fields, "user", names::user)?,
        policy,
        from: fields.get("from").map(|_| repo_path(&fields, "from")).transpose()?,
        format,
        admin,
        uid: uid.map_err(|error| error.key(fields.path_of("uid")))?,
        description: text("description", names::passwd_field)?,
        group_primary: text("group_primary", names::account)?,
        groups_secondary: texts("groups_secondary", names::account)?,
        home_dir: text("home_dir", names::passwd_path)?,
        shell: text("shell", names::passwd_path)?,
        authorized_keys: texts("authorized_keys", names::line)?,
    })
}

fn install(json: &Json, path: String) -> Result<Install> {
    let fields = Fields::of(json, path, &["name", "from", "key", "owner", "group", "mode", "phase"])?;
    let phase = match fields.text("phase")? {
        "users" => Phase::Users,
        "services" => Phase::Services,
        _ => return Err(Error::new("must be users or services").key(fields.path_of("phase"))),
    };
    Ok(Install {
        name: named(&fields, "name", names::install)?,
        from: repo_path(&fields, "from")?,
        key: fields.text("key")?.to_owned(),
        owner: named(&fields, "owner", names::account)?,
        group: fields.get("group").map(|_| named(&fields, "group", names::account)).transpose()?,
        mode: names::mode(fields.text("mode")?).map_err(|error| error.key(fields.path_of("mode")))?,
        phase,
    })
}

fn personal(json: &Json, path: String) -> Result<Personal> {
    let fields = Fields::of(json, path, &["user", "from", "into"])?;
    Ok(Personal {
        user: named(&fields, "user", names::user)?,
        from: repo_path(&fields, "from")?,
        into: fields.get("into").map(|_| named(&fields, "into", names::place)).transpose()?,
    })
}

fn settings(top: &Fields) -> Result<Settings> {
    let Some(json) = top.get("settings") else { return Ok(Settings::default()) };
    let fields = Fields::of(json, "settings".to_owned(), &["hash_kind", "hash_cost"])?;
    Ok(Settings {
        hash_kind: fields.text_if_any("hash_kind")?.map(str::to_owned),
        hash_cost: fields.count_if_any("hash_cost")?,
    })
}

fn repo_path(fields: &Fields, name: &str) -> Result<RepoPath> {
    RepoPath::new(fields.text(name)?).map_err(|error| error.key(fields.path_of(name)))
}

fn named(fields: &Fields, name: &str, check: fn(&str) -> Result<&str>) -> Result<String> {
    let text = check(fields.text(name)?).map_err(|error| error.key(fields.path_of(name)))?;
    Ok(text.to_owned())
}

fn all_named(fields: &Fields, name: &str, check: fn(&str) -> Result<&str>) -> Result<Vec<String>> {
    let texts = fields.texts(name)?;
    for (at, text) in texts.iter().enumerate() {
        check(text).map_err(|error| error.key(format!("{}.{at}", fields.path_of(name))))?;
    }
    Ok(texts)
}
