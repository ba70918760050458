//! set and unset.

use super::{BASALT, SECRET, by_sops, done, feed, line, refused};
use crate::fleet_file;
use crate::sample_fleet::Fleet;
use std::fs;
use uvars::fs::RepoPath;
use uvars::keys::Recipient;
use uvars::sops::{Encrypted, Format};

const CHANGED: &str = "change secrets/hosts/basalt.sops.yaml\n";

#[test]
fn a_value_goes_in_and_the_others_keep_their_ciphertext() {
    let fleet = Fleet::copy();
    let before = fleet.read(BASALT);
    done(&fleet, &["set", "hosts/basalt", "db.user"], &format!("{SECRET}\n"), CHANGED);
    let after = fleet.read(BASALT);
    assert_eq!(line(&before, "password:"), line(&after, "password:"));
    assert_eq!(line(&before, "uvars_path:"), line(&after, "uvars_path:"));
    assert!(!after.contains(SECRET));
    done(&fleet, &["get", "hosts/basalt", "db.user"], "", SECRET);
    if let Some(theirs) = by_sops(&fleet, BASALT) {
        let expected = format!(
            "db:\n    password: throw-away database password\n    user: {SECRET}\nuvars_path: {BASALT}\n"
        );
        assert_eq!(theirs, expected);
    }
    // the same again writes nothing at all
    let said = feed(&fleet, &["set", "hosts/basalt", "db.user"], SECRET);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "", "it has that value already\n"));
    assert_eq!(fleet.read(BASALT), after);
    done(&fleet, &["unset", "hosts/basalt", "db.user"], "", CHANGED);
    assert_eq!(line(&before, "password:"), line(&fleet.read(BASALT), "password:"));
}

#[test]
fn values_come_from_standard_input_or_a_file() {
    let fleet = Fleet::copy();
    for (input, kept) in
        [("one\n", "one"), ("one\r\n", "one"), ("one", "one"), ("a\nb\n", "a\nb\n"), ("", ""), ("3\n", "3")]
    {
        done(&fleet, &["set", "hosts/basalt", "v"], "something else", CHANGED);
        done(&fleet, &["set", "hosts/basalt", "v"], input, CHANGED);
        done(&fleet, &["get", "hosts/basalt", "v"], "", kept);
    }
    fs::write(fleet.path("value"), "from a file\n").unwrap();
    done(&fleet, &["set", "hosts/basalt", "v", "--value-file", "value"], "ignored", CHANGED);
    done(&fleet, &["get", "hosts/basalt", "v"], "", "from a file");
    done(&fleet, &["set", "hosts/basalt", "v", "--value-file", "-"], "piped", CHANGED);
    done(&fleet, &["get", "hosts/basalt", "v"], "", "piped");
    let said = feed(&fleet, &["set", "hosts/basalt", "v", "--value-file", "none"], "");
    assert_eq!(said.code, 1);
    assert!(said.err.ends_with("none: no such file\n"), "{}", said.err);
    // never an argument
    assert_eq!(feed(&fleet, &["set", "hosts/basalt", "v", SECRET], "").code, 2);
}

#[test]
fn json_has_types() {
    let fleet = Fleet::copy();
    let json = r#"{"n": 42, "f": 1.5, "t": true, "x": null, "s": "3", "list": [1, "b"], "a.b": {"c": -7}, "empty": {}}"#;
    done(&fleet, &["set", "hosts/basalt", "data", "--json"], json, CHANGED);
    let plain = "\
db:
    password: throw-away database password
uvars_path: secrets/hosts/basalt.sops.yaml
data:
    \"n\": 42
    f: 1.5
    t: true
    x: null
    s: \"3\"
    list:
        - 1
        - b
    a.b:
        c: -7
    empty: {}
";
    done(&fleet, &["decrypt", "hosts/basalt"], "", plain);
    if let Some(theirs) = by_sops(&fleet, BASALT) {
        assert_eq!(theirs, plain);
    }
    for bad in [SECRET, "{", "[1,]", "", "1 2", "18446744073709551615", "\"\\ud800\""] {
        let said = feed(&fleet, &["set", "hosts/basalt", "data", "--json"], bad);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{bad}");
        assert!(!said.err.contains(SECRET), "{}", said.err);
    }
    done(&fleet, &["decrypt", "hosts/basalt"], "", plain);
}

#[test]
fn lists_grow_at_their_end_and_lose_any_item() {
    let fleet = Fleet::copy();
    done(&fleet, &["set", "hosts/basalt", "l", "--json"], r#"["a", "b", "c"]"#, CHANGED);
    let before = fleet.read(BASALT);
    done(&fleet, &["set", "hosts/basalt", "l.3"], "d", CHANGED);
    done(&fleet, &["unset", "hosts/basalt", "l.1"], "", CHANGED);
    done(&fleet, &["get", "hosts/basalt", "l"], "", "- a\n- c\n- d\n");
    done(&fleet, &["unset", "hosts/basalt", "[\"l\"][0]"], "", CHANGED);
    done(&fleet, &["get", "hosts/basalt", "l.0"], "", "c");
    let item = |text: &str| text.lines().filter(|line| line.trim_start().starts_with("- ENC")).count();
    assert_eq!((item(&before), item(&fleet.read(BASALT))), (3, 2));
    refused(
        &fleet,
        &["set", "hosts/basalt", "l.9"],
        "x",
        1,
        &["uvars: error: secrets/hosts/basalt.sops.yaml: l.9: the list has 2 elements"],
    );
    for path in ["l.x", "db.password.x", "[0]"] {
        let said = feed(&fleet, &["set", "hosts/basalt", path], "x");
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{path}");
    }
}

#[test]
fn names_with_dots_need_brackets() {
    let fleet = Fleet::copy();
    done(&fleet, &["set", "hosts/basalt", "[\"a.b\"][\"c d\"]"], "x", CHANGED);
    done(&fleet, &["get", "hosts/basalt", "[\"a.b\"]"], "", "c d: x\n");
    done(&fleet, &["unset", "hosts/basalt", "[\"a.b\"]"], "", CHANGED);
    done(&fleet, &["get", "hosts/basalt"], "", "db\n");
}

#[test]
fn the_binding_is_not_to_be_set() {
    let fleet = Fleet::copy();
    let refusal = [
        "uvars: error: secrets/hosts/basalt.sops.yaml: uvars_path: says where the file belongs, and is set by nothing but uvars bind",
        "uvars: hint: uvars bind secrets/hosts/basalt.sops.yaml",
    ];
    for path in ["uvars_path", "[\"uvars_path\"]"] {
        refused(&fleet, &["set", "hosts/basalt", path], "x", 1, &refusal);
        refused(&fleet, &["unset", "hosts/basalt", path], "", 1, &refusal);
    }
    assert_eq!(fleet.status(), "");
}

#[test]
fn a_dry_run_writes_nothing() {
    let fleet = Fleet::copy();
    let dry = "nothing was written: this was a dry run\n";
    for (arguments, out) in [
        (&["set", "hosts/basalt", "v", "--dry-run"][..], CHANGED),
        (&["unset", "hosts/basalt", "db", "--dry-run"], CHANGED),
        (&["set", "hosts/marble", "v", "--dry-run"], "create secrets/hosts/marble.sops.yaml\n"),
    ] {
        let said = feed(&fleet, arguments, "x");
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, out, dry), "{arguments:?}");
    }
    assert_eq!(fleet.status(), "");
}

#[test]
fn a_new_file_of_the_fleet_is_made_for_its_readers_alone() {
    let fleet = Fleet::copy();
    done(&fleet, &["set", "hosts/marble", "db.password"], SECRET, "create secrets/hosts/marble.sops.yaml\n");
    for (who, code) in [("hosts/marble", 0), ("recovery/safe.txt", 0), ("hosts/basalt", 4), ("users/jon", 4)]
    {
        assert_eq!(fleet.run_as(who, &["get", "hosts/marble", "db.password"]).code, code, "{who}");
    }
    let said = feed(&fleet, &["set", "hosts/nowhere", "v"], "x");
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    let said = feed(&fleet, &["set", "accounts/jon", "password_hash"], "x");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("uvars: hint: uvars generate jon"), "{}", said.err);
    assert_eq!(fleet.status(), "?? secrets/hosts/marble.sops.yaml\n");
}

#[test]
fn a_reader_too_many_goes_with_the_next_write() {
    let fleet = Fleet::copy();
    let inventory = fleet.read("uvars.yaml");
    assert!(inventory.contains("deploy: { hosts: [quartz], users: [mira], robots: [ci] }"));
    fs::write(
        fleet.path("uvars.yaml"),
        inventory.replace("users: [mira], robots: [ci] }", "users: [mira], robots: [] }"),
    )
    .unwrap();
    assert_eq!(fleet.run_as("robots/ci.txt", &["get", "shared/deploy", "token"]).code, 0);
    let said = feed(&fleet, &["set", "shared/deploy", "other"], "x");
    assert_eq!(said.code, 0, "{}", said.err);
    let told = "secrets/shared/deploy.sops.yaml: robots/ci reads it no more; the data key is new\n";
    assert_eq!(said.err, told);
    assert_eq!(fleet.run_as("robots/ci.txt", &["get", "shared/deploy", "token"]).code, 4);
    done(&fleet, &["get", "shared/deploy", "token"], "", "throw-away deploy token");
}

#[test]
fn files_of_nobodys_fleet_are_changed_in_place() {
    let fleet = Fleet::copy();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("x.sops.yaml");
    fs::copy(fleet.path(BASALT), &file).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let name = file.to_str().unwrap();
    let dry = feed(&fleet, &["set", name, "v", "--dry-run"], "x");
    let warning = format!(
        "uvars: warning: {name}: was written for {BASALT} in a fleet, and here nothing looks after its readers\n"
    );
    assert_eq!(dry.err, format!("{warning}nothing was written: this was a dry run\n"));
    let said = feed(&fleet, &["set", name, "v"], SECRET);
    assert_eq!((said.code, said.out, said.err), (0, format!("change {name}\n"), warning));
    done(&fleet, &["get", name, "v"], "", SECRET);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn many_who_set_values_at_once_all_do() {
    let fleet = Fleet::copy();
    let before = fleet.read(BASALT);
    std::thread::scope(|scope| {
        let fleet = &fleet;
        let all: Vec<_> = (0..6)
            .map(|number| {
                scope.spawn(move || feed(fleet, &["set", "hosts/basalt", &format!("v{number}")], "x\n"))
            })
            .collect();
        for said in all {
            let said = said.join().unwrap();
            assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, CHANGED, ""));
        }
        let all: Vec<_> = (0..6)
            .map(|number| {
                scope.spawn(move || feed(fleet, &["unset", "hosts/basalt", &format!("v{number}")], ""))
            })
            .collect();
        for said in all {
            let said = said.join().unwrap();
            assert_eq!((said.code, said.err.as_str()), (0, ""));
        }
    });
    assert_eq!(line(&before, "password:"), line(&fleet.read(BASALT), "password:"));
    done(&fleet, &["get", "hosts/basalt"], "", "db\n");
}

#[test]
fn an_account_is_given_no_hash_that_is_none() {
    let fleet = Fleet::copy();
    let hash = "$y$j75$s9TExoHjjbsdvWtJjCGQ81$MnpFsCeW0wDWtNfqnWMtDqmBzjVVpI9KKqh2rOpE2OB";
    for (file, whose) in [("accounts/mira", "mira"), ("secrets/accounts/mira.sops.yaml", "mira")] {
        for text in ["x", "hunter2hunter", "", "!", "$y$"] {
            let said = feed(&fleet, &["set", file, "password_hash"], text);
            assert_eq!(said.code, 1, "{text}: {}", said.out);
            assert!(said.err.contains("password_hash: this is no password hash"), "{}", said.err);
            assert!(said.err.contains(&format!("uvars generate {whose} --regenerate")), "{}", said.err);
            assert!(!said.err.contains("hunter2"));
        }
        assert_eq!(feed(&fleet, &["set", file, "password_hash", "--json"], "5").code, 1);
    }
    assert_eq!(fleet.status(), "");
    for text in [hash, &format!("!{hash}")] {
        assert_eq!(feed(&fleet, &["set", "accounts/mira", "password_hash"], text).code, 0);
    }
    // elsewhere the name is anybody's
    done(&fleet, &["set", "hosts/basalt", "password_hash"], "x", CHANGED);
}

#[test]
fn an_account_keeps_its_password_and_whose_it_is() {
    let fleet = Fleet::copy();
    for (name, why) in
        [("password_hash", "without it nobody could log in"), ("user", "says whose the file is")]
    {
        let said = feed(&fleet, &["unset", "accounts/mira", name], "");
        assert_eq!(said.code, 1, "{name}: {}", said.out);
        let place = format!("secrets/accounts/mira.sops.yaml: {name}: {why}");
        assert!(said.err.contains(&place), "{}", said.err);
        assert!(said.err.contains("uvars generate mira --regenerate"), "{}", said.err);
        assert_eq!(said.err.contains("user set mira password=false"), name == "password_hash");
    }
    let said = feed(&fleet, &["set", "accounts/mira", "user"], "noor");
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(!said.err.contains("log in"), "{}", said.err);
    assert_eq!(fleet.status(), "");
    // the file of one host is that host's
    let said = feed(&fleet, &["unset", "accounts/tess@marble", "host"], "");
    assert!(said.code == 1 && said.err.contains("uvars generate tess@marble"), "{}", said.err);
    // a shared one is of no host
    let said = feed(&fleet, &["set", "accounts/mira", "host"], "basalt");
    assert!(said.code == 1 && said.err.contains("host: says whose the file is"), "{}", said.err);
    // what is no part of an account may go
    done(&fleet, &["set", "accounts/mira", "note"], "x", "change secrets/accounts/mira.sops.yaml\n");
    done(&fleet, &["unset", "accounts/mira", "note"], "", "change secrets/accounts/mira.sops.yaml\n");
    // a password beside a hash is left over
    done(&fleet, &["set", "accounts/mira", "password"], "x", "change secrets/accounts/mira.sops.yaml\n");
    done(&fleet, &["unset", "accounts/mira", "password"], "", "change secrets/accounts/mira.sops.yaml\n");
}

#[test]
fn of_many_values_in_clear_a_few_are_named() {
    let fleet = Fleet::copy();
    for (count, rest) in
        [(10, None), (11, Some("and 1 more stands in clear")), (2000, Some("and 1990 more stand in clear"))]
    {
        let values: Vec<_> = (0..count).map(|at| format!("\"v{at}\": {at}")).collect();
        let json = format!("{{{}}}", values.join(", "));
        let said = feed(&fleet, &["set", "hosts/marble", &format!("c{count}_unencrypted"), "--json"], &json);
        assert_eq!(said.code, 0, "{}", said.err);
        let named =
            said.err.lines().filter(|line| line.contains("the rule of the file leaves it so")).count();
        assert_eq!(named, 10, "{}", said.err);
        let last = said
            .err
            .lines()
            .find_map(|line| line.split_once(": and "))
            .map(|(_, last)| format!("and {last}"));
        assert_eq!(last.as_deref(), rest);
    }
}

#[test]
fn an_account_file_that_is_wanted_no_more_is_to_be_removed() {
    let fleet = Fleet::copy();
    assert_eq!(feed(&fleet, &["user", "set", "mira", "password=false"], "").code, 0);
    for (verb, text) in [("unset", ""), ("set", "x")] {
        let said = feed(&fleet, &[verb, "accounts/mira", "password_hash"], text);
        assert_eq!(said.code, 1, "{}", said.out);
        assert!(said.err.contains("git rm secrets/accounts/mira.sops.yaml"), "{}", said.err);
        assert!(!said.err.contains("password=false") && !said.err.contains("--regenerate"), "{}", said.err);
    }
}

#[test]
fn what_does_not_fit_an_account_may_go() {
    let fleet = Fleet::copy();
    let path = RepoPath::new("secrets/accounts/mira.sops.yaml").unwrap();
    let held = Encrypted::parse(fleet.read(path.as_str()).as_bytes(), Format::Yaml).unwrap();
    let readers: Vec<_> =
        held.metadata().recipients().into_iter().map(|reader| Recipient::parse(reader).unwrap()).collect();
    let write = |text: &str| {
        fs::write(fleet.dir().join(path.as_str()), fleet_file::made(&path, text, &readers)).unwrap();
    };
    write("user: mira\nhost: basalt\nhost2: x\n");
    assert_eq!(feed(&fleet, &["set", "accounts/mira", "host"], "marble").code, 1);
    done(&fleet, &["unset", "accounts/mira", "host"], "", "change secrets/accounts/mira.sops.yaml\n");
    assert_eq!(feed(&fleet, &["unset", "accounts/mira", "user"], "").code, 1);
    for (verb, text) in [("unset", ""), ("set", "mira")] {
        write("user: noor\nhost2: x\n");
        assert_eq!(feed(&fleet, &["set", "accounts/mira", "user"], "tess").code, 1);
        done(&fleet, &[verb, "accounts/mira", "user"], text, "change secrets/accounts/mira.sops.yaml\n");
    }
}
