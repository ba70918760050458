//! Public keys as people have them, given to `uvars key add`, `key rotate` and `key convert`; private ones given there.
//!
//! The keys are made by ssh-keygen, in every form that it writes; what is refused must leave the fleet as it was, and
//! no piece of a private key may be seen, nor be in the fleet.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod peers;
mod scratch;

use scratch::Scratch;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Makes a key beside the fleet; its two halves.
fn ssh_key(scratch: &Scratch, name: &str, arguments: &[&str]) -> Option<(PathBuf, String)> {
    let file = scratch.beside(name);
    let mut keygen = peers::command("ssh-keygen")?;
    keygen.args(["-q", "-N", "", "-C", "jon@laptop", "-f"]).arg(&file).args(arguments);
    peers::succeed(&mut keygen);
    let public = fs::read_to_string(file.with_extension("pub")).unwrap();
    Some((file, public.trim_end().to_owned()))
}

/// Every file of the fleet.
fn files(scratch: &Scratch) -> BTreeMap<PathBuf, Vec<u8>> {
    fn gather(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".uvars") {
                continue;
            }
            if path.is_dir() {
                gather(&path, found);
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    gather(&scratch.root(), &mut found);
    found
}

/// Type and base64, without the comment.
fn bare(public: &str) -> String {
    public.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn keys_are_added_as_people_have_them() {
    let first = Scratch::new();
    let Some((file, ed)) = ssh_key(&first, "ed", &["-t", "ed25519"]) else { return };
    let (_, rsa) = ssh_key(&first, "rsa", &["-t", "rsa", "-b", "2048"]).unwrap();
    let (_, ec) = ssh_key(&first, "ec", &["-t", "ecdsa"]).unwrap();
    let (_, other) = ssh_key(&first, "other", &["-t", "ed25519"]).unwrap();
    let (key, rsa_key, ec_key) = (bare(&ed), bare(&rsa), bare(&ec));
    let scan = format!("# web1:22 SSH-2.0-OpenSSH_9.9\nweb1 {rsa_key}\nweb1 {ec_key}\nweb1 {key}\n");
    let only_line = |text: &str| vec![text.to_owned()];
    for (text, lines, warned) in [
        (format!("{ed}\n"), only_line(&ed), ""),
        (format!("\u{feff}{ed}\r\n\r\n"), only_line(&ed), ""),
        (format!("{key}\n{}\n", bare(&other)), vec![key.clone(), bare(&other)], ""),
        (format!("restrict,command=\"uvars receive\" {ed}"), only_line(&ed), ""),
        (format!("web1,10.0.0.1 {key}"), only_line(&key), ""),
        (
            scan.clone(),
            only_line(&key),
            "age cannot encrypt to ssh keys of type ecdsa-sha2-nistp256, passed over",
        ),
        (
            scan.replace('\n', "\r\n"),
            only_line(&key),
            "the ssh-ed25519 key of the host is enough, passed over",
        ),
        (
            format!("@cert-authority *.org {key}\n{}", bare(&other)),
            only_line(&bare(&other)),
            "@cert-authority",
        ),
    ] {
        let scratch = Scratch::new();
        let ran = scratch.feed("key add users/jon -", text.as_bytes()).code(0).says(warned);
        let jon = scratch.read("keys/users/jon.pub").unwrap();
        let added: Vec<_> =
            jon.lines().skip(1).filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
        assert_eq!(added, lines, "{text}\n{}", ran.all());
        for line in lines {
            assert!(ran.out.contains(&format!("users/jon gets {}", bare(&line))), "{}", ran.all());
        }
    }
    // by the name of its file, by itself, and through a link
    for typed in
        [file.with_extension("pub").display().to_string(), first.beside("link").display().to_string()]
    {
        let scratch = Scratch::new();
        drop(std::os::unix::fs::symlink(file.with_extension("pub"), first.beside("link")));
        drop(scratch.run(&format!("key add users/jon {typed}")).code(0));
        assert!(scratch.read("keys/users/jon.pub").unwrap().ends_with(&format!("{ed}\n")));
        let again = files(&scratch);
        drop(
            scratch
                .run(&format!("key add users/jon {typed}"))
                .code(1)
                .says("keys/users/jon.pub:2:1: the key is there"),
        );
        assert_eq!(files(&scratch), again);
        // the same among others is no error: a forge serves all of somebody's keys
        let all = format!("{key}\n{}\n", bare(&other));
        drop(scratch.feed("key add users/jon -", all.as_bytes()).code(0));
        assert_eq!(scratch.read("keys/users/jon.pub").unwrap().lines().count(), 3);
    }
}

#[test]
fn what_is_nobodys_key_is_refused_and_changes_nothing() {
    let scratch = Scratch::new();
    let Some((_, ed)) = ssh_key(&scratch, "ed", &["-t", "ed25519"]) else { return };
    let (_, ec) = ssh_key(&scratch, "ec", &["-t", "ecdsa"]).unwrap();
    let (_, other) = ssh_key(&scratch, "other", &["-t", "ed25519"]).unwrap();
    let (key, other, ec) = (bare(&ed), bare(&other), bare(&ec));
    let before = files(&scratch);
    for (text, message) in [
        (format!("web1 {key}\nweb2 {other}\n"), "standard input:2:1: this is the key of another host"),
        (
            format!("|1|YQ==|YQ== {key}\n|1|Yg==|Yg== {other}\n"),
            "standard input:2:1: this is the key of another",
        ),
        (
            format!("{ec}\n"),
            "standard input: no key in it that can be used: age cannot encrypt to ssh keys of type ecdsa",
        ),
        (
            format!("@revoked web1 {key}\n"),
            "standard input: no key in it that can be used: the line is marked @revoked",
        ),
        (
            format!("cert-authority {key} ca\n"),
            "no key in it that can be used: the key is that of an authority",
        ),
        ("Not Found".to_owned(), "standard input:1:1: unknown type of recipient"),
        ("{\"message\": \"Not Found\"}".to_owned(), "standard input:1:1: unknown type of recipient"),
        (format!("{key}\n<<<<<<< HEAD\n"), "standard input:2:1: unknown type of recipient"),
        (format!("{}\n", key.get(..60).unwrap()), "standard input:1:1: malformed ssh-ed25519 key"),
        ("\n# nothing\n".to_owned(), "standard input: no key in it"),
    ] {
        drop(scratch.feed("key add hosts/cinnabar -", text.as_bytes()).code(1).says(message));
        drop(scratch.feed("key rotate hosts/cinnabar -", text.as_bytes()).code(1).says(message));
        assert_eq!(files(&scratch), before, "{text}");
    }
}

/// Every form of private key there is, however it is handed over.
#[test]
fn private_keys_are_refused_and_never_seen() {
    let scratch = Scratch::new();
    let mut private = vec![fs::read_to_string(scratch.private("users/raquel")).unwrap()];
    for (name, arguments) in [
        ("openssh", &["-t", "ed25519"][..]),
        ("locked", &["-t", "ed25519", "-N", "word"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("pkcs8", &["-t", "ecdsa", "-m", "PKCS8"]),
    ] {
        let Some((file, _)) = ssh_key(&scratch, name, arguments) else { return };
        private.push(fs::read_to_string(file).unwrap());
    }
    private.push("AGE-PLUGIN-YUBIKEY-1QJC5QQYZ8UCY7YGSP6DVX\n".to_owned());
    let body = "AAAAIHdhdGNoIHRoZSBibGFuayBpbiB0aGlzIGxpbmUgb2Yga2V5IG1hdGVyaWFs";
    private.push(format!(
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n{body}\nPrivate-MAC: 00\n"
    ));
    let before = files(&scratch);
    for key in private {
        // lines of letters alone, and no frame, are what must not be seen
        let secret: Vec<&str> =
            key.lines().filter(|line| line.len() > 30 && !line.starts_with(['-', '#', 'P'])).collect();
        let unseen = |said: &str| {
            let said = said.to_lowercase();
            let piece = |line: &&str| line.to_lowercase().get(20..44).unwrap_or(line).to_owned();
            assert!(!secret.iter().map(piece).any(|piece| said.contains(&piece)), "{key}\n{said}");
        };
        let file = scratch.private_file("given", &key);
        let crlf = key.replace('\n', "\r\n");
        for verb in ["key add users/jon", "key rotate users/jon", "key convert"] {
            for text in [key.as_str(), &crlf, key.to_lowercase().as_str(), &format!("# note\n{key}")] {
                unseen(&scratch.feed(&format!("{verb} -"), text.as_bytes()).code(1).all());
            }
            unseen(&scratch.run(&format!("{verb} {}", file.display())).code(1).all());
        }
        // typed, whole and by the line, in every place of the command line
        let lines: Vec<&str> = key.lines().collect();
        for typed in lines.iter().copied().chain([key.as_str()]).filter(|typed| !typed.is_empty()) {
            for place in 0..5 {
                let arguments = match place {
                    0 => vec!["key", "add", "users/jon", "--", typed],
                    1 => vec!["key", "add", "--", typed, "age1x"],
                    2 => vec!["key", "convert", "--", typed],
                    3 => vec!["get", "--", typed, "db.password"],
                    _ => vec!["key", "rotate", "users/jon", "--", typed],
                };
                let ran = scratch::ran(&mut scratch::without_terminal(&scratch.uvars(arguments)), b"");
                assert!(matches!(ran.code, 1 | 2), "{}", ran.all());
                unseen(&ran.all());
            }
        }
        assert_eq!(files(&scratch), before);
    }
}

#[test]
fn every_comment_of_every_key_is_kept() {
    let scratch = Scratch::new();
    let Some((_, ed)) = ssh_key(&scratch, "ed", &["-t", "ed25519"]) else { return };
    let (_, other) = ssh_key(&scratch, "other", &["-t", "ed25519"]).unwrap();
    let text = format!("# work laptop\n{ed}\n\n# phone, since spring\n{}\n", bare(&other));
    drop(scratch.feed("key add users/tess -", text.as_bytes()).code(0));
    let kept = format!("# work laptop\n{ed}\n# phone, since spring\n{}\n", bare(&other));
    assert_eq!(scratch.read("keys/users/tess.pub").unwrap(), kept);
    // one that is said takes the place of the line above
    let text = format!("# work laptop\n{ed}\n");
    drop(scratch.feed("key add users/jon - --comment new", text.as_bytes()).code(0));
    assert!(scratch.read("keys/users/jon.pub").unwrap().ends_with(&format!("\n# new\n{ed}\n")));
}

#[test]
fn a_folder_in_place_of_a_key_file_is_no_reader_left_out_unseen() {
    let scratch = Scratch::new();
    scratch.write("keys/users/tess.pub/README", "a key was meant to be here\n");
    for verb in ["key list", "sync", "rules --check"] {
        drop(
            scratch
                .run(verb)
                .code(1)
                .says("keys/users/tess.pub/README: lies in a folder that is named as a key file is"),
        );
    }
}

#[test]
fn a_file_name_that_cannot_be_shown_is_told_with_what_to_do() {
    let scratch = Scratch::new();
    scratch.write("secrets/shared/a\nb.sops.yaml", "x: 1\n");
    let ran = scratch
        .run("sync")
        .code(1)
        .says("secrets/shared/a\\nb.sops.yaml\" cannot be a path in the repository");
    drop(ran.says("hint: give it another name; a file that is there: mv or git mv"));
}

#[test]
fn a_key_that_somebody_else_has_too_is_named_when_it_is_added_and_no_other_is() {
    let scratch = Scratch::new();
    let key = |name: &str| scratch.read(&format!("keys/{name}.pub")).unwrap().trim_end().to_owned();
    scratch.write("keys/robots/ci.pub", &format!("{}\n", key("users/jon")));
    let said = scratch.run(&format!("key add robots/mirror {}", key("users/raquel"))).code(0);
    let short: String = key("users/raquel").chars().take(16).collect();
    let warned = format!("robots/mirror and users/raquel have the same key {short}…\n");
    assert!(said.err.contains(&warned) && said.err.matches("same key").count() == 1, "{}", said.err);
    // one person may be an admin and a user, and no more than one
    let said = scratch.run(&format!("key add users/tara {}", key("admins/ann"))).code(0);
    assert!(said.err.contains("admins/ann and users/tara have the same key"), "{}", said.err);
}

#[test]
fn a_public_key_without_quotes_is_told_to_want_them() {
    let scratch = Scratch::new();
    let Some((_, ed)) = ssh_key(&scratch, "ed", &["-t", "ed25519"]) else { return };
    let (_, ec) = ssh_key(&scratch, "ec", &["-t", "ecdsa"]).unwrap();
    let (_, rsa) = ssh_key(&scratch, "rsa", &["-t", "rsa", "-b", "2048"]).unwrap();
    let before = files(&scratch);
    for key in [&ed, &ec, &rsa, &bare(&ed)] {
        for (line, hint) in [
            (format!("key add users/jon {key}"), "or give a file with that line, or - for standard input"),
            (format!("key rotate users/jon {key} --why x"), "or give a file with that line, or -"),
            (format!("user set jon authorized_keys+={key}"), "write 'authorized_keys+=TYPE KEY COMMENT'"),
            (
                format!("user add ines hosts=galena authorized_keys={key}"),
                "write 'authorized_keys=TYPE KEY COMMENT'",
            ),
            (
                format!("user set jon authorized_keys+=restrict {key}"),
                "write 'authorized_keys+=TYPE KEY COMMENT'",
            ),
        ] {
            let ran = scratch.run(&line).code(2).says("its line wants quotes").says(hint);
            assert!(!ran.all().contains("AAAA") && !ran.all().contains("secret"), "{}", ran.all());
        }
    }
    // where no key is wanted, quotes would make none so
    for line in [
        "set hosts/cinnabar tok",
        "encrypt x.yaml",
        "edit hosts/cinnabar",
        "host set cinnabar",
        "key convert",
    ] {
        let ran = scratch.run(&format!("{line} {ed}")).code(2);
        assert!(!ran.all().contains("quotes") && !ran.all().contains("TYPE KEY"), "{}", ran.all());
    }
    assert!(files(&scratch) == before);
    // one that is damaged, or nothing like a key, is what it was before
    let cut = ed.split(' ').nth(1).unwrap();
    let ran = scratch.run(&format!("key add users/jon ssh-rsa {cut}")).code(2).says("may be secret");
    assert!(!ran.all().contains("quotes"), "{}", ran.all());
    // what exec hands on is its program's affair
    drop(scratch.feed("set hosts/cinnabar a", b"x").code(0));
    let ran = scratch.run_as("hosts/cinnabar", &format!("exec hosts/cinnabar -- echo {ed}"));
    assert_eq!((ran.code, ran.out.trim_end()), (0, ed.as_str()), "{}", ran.err);
}

#[test]
fn a_key_of_another_type_is_explained_alike_from_a_file_and_as_an_argument() {
    let scratch = Scratch::new();
    let Some((file, ec)) = ssh_key(&scratch, "ec", &["-t", "ecdsa"]) else { return };
    let why = "age cannot encrypt to ssh keys of type ecdsa-sha2-nistp256";
    let public = file.with_extension("pub");
    let restricted = format!("restrict {ec}");
    for key in [public.to_str().unwrap(), &ec, &bare(&ec), &restricted] {
        for line in [["key", "add", "users/jon", key], ["key", "rotate", "users/jon", key]] {
            let ran = scratch::ran(&mut scratch.uvars(line), b"").code(1).says(why);
            assert!(ran.all().contains("use an ssh-ed25519 or an age key"), "{}", ran.all());
            assert!(!ran.all().contains("no such file"), "{}", ran.all());
        }
    }
    let ran = scratch::ran(&mut scratch.uvars(["key", "convert", &ec]), b"").code(2);
    drop(ran.says("this is a key, and the name of a file is expected"));
}

#[test]
fn a_dry_run_shows_no_key_that_nobody_will_hold() {
    let scratch = Scratch::new();
    let out = scratch.beside("new.txt");
    for principal in ["users/jon ", ""] {
        let line = format!("key generate {principal}--out {} --dry-run", out.display());
        let ran = scratch.run(&line).code(0).says("this was a dry run");
        let goes = format!("the private half of a new key would go into {}", out.display());
        assert!(ran.out.contains(&goes) && !ran.all().contains("age1"), "{}", ran.all());
        assert!(!out.exists());
    }
    // what would fail fails, and alike
    let file = scratch.private_file("file", "");
    let closed = scratch.beside("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    for out in [file.join("x"), file.join("a/x"), closed.join("a/x"), closed.join("x")] {
        let line = format!("key generate --out {}", out.display());
        let dry = scratch.run(&format!("{line} --dry-run"));
        let to_key = scratch.run(&format!("{line} users/jon --dry-run"));
        let real = scratch.run(&line);
        // root may write everywhere
        if real.code == 0 && out.starts_with(&closed) {
            assert_eq!((dry.code, to_key.code), (0, 0), "{}", dry.all());
            continue;
        }
        assert_eq!((real.code, dry.out.as_str(), to_key.out.as_str()), (1, "", ""), "{}", real.all());
        assert_eq!((dry.err, to_key.err), (real.err.clone(), real.err));
    }
}

#[test]
fn certificates_are_no_private_keys() {
    let scratch = Scratch::new();
    let Some((ca, _)) = ssh_key(&scratch, "ca", &["-t", "ed25519"]) else { return };
    for kind in [
        &["-t", "ed25519"][..],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
    ] {
        let (file, _) = ssh_key(&scratch, &format!("subject{}", kind.join("")), kind).unwrap();
        let private = file.with_extension("");
        let signed = std::process::Command::new("ssh-keygen")
            .arg("-q")
            .arg("-s")
            .arg(ca.with_extension(""))
            .args(["-I", "x", "-n", "jon"])
            .arg(&file)
            .status()
            .unwrap();
        assert!(signed.success());
        let cert = std::fs::read_to_string(format!("{}-cert.pub", private.display())).unwrap();
        let field = format!("authorized_keys+={}", cert.trim());
        let ran = scratch::ran(&mut scratch.uvars(["user", "set", "jon", &field]), b"");
        assert!(!ran.all().contains("private key"), "{kind:?}: {}", ran.all());
        drop(ran.code(0));
    }
}
