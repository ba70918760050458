//! What an export says of an activation before there is one, and where it does not write.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fleet_file;
mod peers;
mod scratch;

use scratch::Scratch;
use std::path::Path;
use uvars::fs::RepoPath;
use uvars::keys::Recipient;

const INSTALLS: &str = "\
install:
  db/password: { from: hosts, key: db.password, on: { hosts: [cinnabar] } }
  db: { from: hosts, key: db, on: { hosts: [cinnabar] }, phase: users }
  list: { from: hosts, key: list.1, on: { hosts: [cinnabar] } }
  none: { from: hosts, key: db.nope, on: { hosts: [cinnabar] } }
  dots: { from: hosts, key: '[\"db.nope\"]', on: { hosts: [cinnabar] } }
";

/// An account file that somebody wrote with another sops.
fn account(scratch: &Scratch, user: &str, text: &str) {
    let path = RepoPath::new(&format!("secrets/accounts/{user}.sops.yaml")).unwrap();
    let readers: Vec<_> = ["admins/ann", "hosts/cinnabar", "hosts/rosegold"]
        .into_iter()
        .map(|name| Recipient::parse(&scratch.read(&format!("keys/{name}.pub")).unwrap()).unwrap())
        .collect();
    scratch.write(path.as_str(), &String::from_utf8(fleet_file::made(&path, text, &readers)).unwrap());
}

#[test]
fn values_that_an_activation_would_miss_are_named_with_their_files() {
    let scratch = Scratch::with(&format!("{}{INSTALLS}", scratch::INVENTORY));
    let answers = scratch.private_file("answers.yaml", "jon: open sesame 1\nraquel: open sesame 2\n");
    drop(scratch.run(&format!("generate --answers {}", answers.display())).code(0));
    let value = scratch.private_file("value.yaml", "db: {password: x}\nlist: [a, b]\n");
    drop(scratch.run(&format!("encrypt {} --out hosts/cinnabar", value.display())).code(0));
    let ran = scratch.run("export manifest hosts/cinnabar --out ../out").code(0);
    let warnings: Vec<_> = ran.err.lines().collect();
    assert_eq!(
        warnings,
        [
            "uvars: warning: secrets/hosts/cinnabar.sops.yaml: db is a list or a map, and must be one value: \
             uvars set hosts/cinnabar db",
            r#"uvars: warning: secrets/hosts/cinnabar.sops.yaml has no value ["db.nope"]: uvars set hosts/cinnabar '["db.nope"]'"#,
            "uvars: warning: secrets/hosts/cinnabar.sops.yaml has no value db.nope: uvars set hosts/cinnabar db.nope",
        ]
    );
    for (text, wanted) in
        [("user: jon\n", true), ("user: jon\npassword: x\n", true), ("password_hash: x\n", false)]
    {
        account(&scratch, "jon", text);
        let ran = scratch.run("export manifest hosts/cinnabar --out ../out --json").code(0);
        let said =
            "secrets/accounts/jon.sops.yaml has no value password_hash: uvars generate jon --regenerate";
        assert_eq!(ran.err.contains(said), wanted, "{text}: {}", ran.err);
        assert_eq!(ran.out.contains(said), wanted, "{text}: {}", ran.out);
    }
    for (text, what) in [("null", "is null, and must be a value"), ("''", "is empty")] {
        account(&scratch, "jon", &format!("user: jon\npassword_hash: {text}\n"));
        let said =
            format!("secrets/accounts/jon.sops.yaml: password_hash {what}: uvars generate jon --regenerate");
        drop(scratch.run("export manifest hosts/cinnabar --out ../out").code(0).says(&said));
    }
    // a file without a byte may be what is wanted, nothing at all is not
    let set = |text: &[u8]| {
        let mut command = scratch.uvars(["set", "hosts/cinnabar", "db.password", "--json"]);
        command.env("SOPS_AGE_KEY_FILE", scratch.private("hosts/cinnabar"));
        drop(scratch::ran(&mut scratch::without_terminal(&command), text).code(0));
        scratch.run("export manifest hosts/cinnabar --out ../out").code(0).err
    };
    let said = "secrets/hosts/cinnabar.sops.yaml: db.password is null, and must be a value: \
                uvars set hosts/cinnabar db.password";
    assert!(set(b"null").contains(said));
    assert!(!set(b"\"\"").contains("db.password is"));
    // an account that is to go needs none
    account(&scratch, "jon", "user: jon\n");
    drop(scratch.run("user set jon policy=absent").code(0));
    let ran = scratch.run("export manifest hosts/cinnabar --out ../out").code(0);
    assert!(!ran.err.contains("accounts/jon"), "{}", ran.err);
}

#[test]
fn a_folder_of_others_is_never_said_to_be_removed() {
    let scratch = Scratch::new();
    let web = scratch.beside("web");
    for (folder, text) in [(scratch.root(), "{}"), (web, "{\"name\": \"shop\", \"icons\": []}")] {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("manifest.json"), text).unwrap();
        let before = std::fs::read_dir(&folder).unwrap().count();
        let line = format!("export manifest users/jon --out {}", folder.display());
        let ran =
            scratch.run(&line).code(1).says("manifest.json").says("give a folder of its own: --out DIR");
        assert!(!ran.all().contains("rm ") && !ran.all().contains("remove"), "{}", ran.all());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), before);
        assert_eq!(std::fs::read_to_string(folder.join("manifest.json")).unwrap(), text);
        assert!(Path::new(&folder).is_dir());
    }
}

#[test]
fn a_name_that_no_host_would_take_is_named_in_the_inventory() {
    for name in [".x", "db/.hidden"] {
        let install = format!("install:\n  {name}: {{ from: hosts, key: a, on: {{ hosts: [cinnabar] }} }}\n");
        let scratch = Scratch::with(&format!("{}{install}", scratch::INVENTORY));
        for line in ["rules --check", "host show cinnabar", "export manifest hosts/cinnabar --out ../out"] {
            drop(scratch.run(line).code(1).says("uvars.yaml:12:3: ").says("is no name to install under"));
        }
    }
}

#[test]
fn a_folder_may_have_a_long_name() {
    let scratch = Scratch::new();
    let name = "aB3d".repeat(16);
    for out in [format!("./{name}"), scratch.beside(&name).display().to_string()] {
        drop(scratch.run(&format!("export manifest users/jon --out {out}")).code(0));
    }
    let key = format!("./AGE-SECRET-KEY-1{}", "Q".repeat(58));
    drop(scratch.run(&format!("export manifest users/jon --out {key}")).code(2).says("holds a private key"));
}
