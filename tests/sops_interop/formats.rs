//! JSON, dotenv, INI and files of bytes: what is in `inputs/`, encrypted and printed by both, and printed in every format.

use crate::room::{Room, SOPS, mask, ours, print, print_as, recipient, seal, vectors};
use std::path::Path;
use uvars::sops::{Format, Plain, Rules};

/// The inputs, with the format that their name says.
fn inputs() -> Vec<(String, Vec<u8>, Format)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops_interop/inputs");
    let files = [here, vectors().join("inputs")].map(|folder| std::fs::read_dir(folder).unwrap());
    let mut found: Vec<_> = files
        .into_iter()
        .flatten()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(&path).unwrap(), Format::of_path(&path))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(found.len() > 20);
    found
}

/// Whether sops prints something else than what is in a file, where we refuse: bytes that are no text as U+FFFD in JSON, the
/// first document alone, null as `<nil>`, YAML that has a name twice, INI that has lost one of two.
fn loses(name: &str, output: Format) -> bool {
    match output {
        Format::Yaml => ["twice.json", "plain.env", "sections.ini"].contains(&name),
        Format::Json => ["all.bin", "bytes.bin", "bytes.env", "multi-document.yaml"].contains(&name),
        Format::Dotenv => name == "multi-document.yaml",
        Format::Ini => name == "clear.json",
        _ => false,
    }
}

/// Up to 3.13.1 sops takes every number of JSON for a float, and a large whole one in clear for another number.
fn is_another_number(sops: &str, name: &str, format: Format) -> bool {
    sops == "sops-3.11" && name == "large-in-clear.json" && format == Format::Json
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn our_layout_is_that_of_sops() {
    let Some(room) = Room::new("sops") else { return };
    let mut wrong = Vec::new();
    for (name, source, format) in inputs() {
        let theirs = mask(&room.encrypt(&source, &[], format));
        let ours = mask(&ours(&source, &Rules::default(), format));
        if ours != theirs {
            wrong.push(format!("== {name}\n{ours}\n-- sops\n{theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_prints_what_the_other_wrote() {
    let mut wrong = Vec::new();
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        for (name, source, format) in inputs() {
            let ours = ours(&source, &Rules::default(), format);
            let theirs = room.encrypt(&source, &[], format);
            for (whose, file) in [("ours", ours), ("theirs", theirs)] {
                if whose == "ours" && is_another_number(sops, &name, format) {
                    continue;
                }
                let output = room.decrypt_as(&file, format, format);
                let printed = print(&file, format).map_err(|error| error.to_string());
                if !output.status.success() || printed.as_ref() != Ok(&output.stdout) {
                    wrong.push(format!(
                        "== {sops} {name} {whose}\n{:?}\n-- sops\n{}{}",
                        printed.map(|printed| shown(&printed)),
                        shown(&output.stdout),
                        shown(&output.stderr)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_format_is_printed_as_every_other() {
    let Some(room) = Room::new("sops") else { return };
    let mut wrong = Vec::new();
    for (name, source, input) in inputs() {
        let file = room.encrypt(&source, &[], input);
        for output in Format::ALL {
            let theirs = room.decrypt_as(&file, input, output);
            let ours = print_as(&file, input, output).map_err(|error| error.to_string());
            let same = match &ours {
                Ok(ours) => theirs.status.success() && *ours == theirs.stdout,
                Err(_) => theirs.status.success() == loses(&name, output),
            };
            if !same {
                wrong.push(format!(
                    "== {name} as {}\n{:?}\n-- sops\n{:?}\n{}",
                    output.name(),
                    ours.map(|ours| shown(&ours)),
                    shown(&theirs.stdout),
                    shown(&theirs.stderr)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_encrypted_in_another_format_is_opened_by_sops() {
    let mut wrong = Vec::new();
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        for (name, source, input) in inputs() {
            let plain = Plain::parse(&source, input).unwrap();
            for output in Format::ALL {
                let file = match seal(&plain, &Rules::default(), output) {
                    Ok(file) => file,
                    Err(error) => {
                        // what we refuse sops refuses, or cannot open or loses
                        if sops == "sops" && !refused(&room, &name, &source, input, output) {
                            wrong.push(format!("== {name} as {}: {error}", output.name()));
                        }
                        continue;
                    }
                };
                let opened = room.decrypt_as(&file, output, output);
                let Ok(printed) = print(&file, output) else {
                    assert!(loses(&name, output), "{name} as {}", output.name());
                    continue;
                };
                if is_another_number(sops, &name, output) {
                    continue;
                }
                if !opened.status.success() || opened.stdout != printed {
                    let (ours, theirs) = (shown(&printed), shown(&opened.stdout));
                    wrong.push(format!(
                        "== {sops} {name} as {}\n{ours}\n-- sops\n{theirs}{}",
                        output.name(),
                        shown(&opened.stderr)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether sops does not encrypt this in a format, does not open what it has made, or loses something.
fn refused(room: &Room, name: &str, source: &[u8], input: Format, output: Format) -> bool {
    room.write("plain", source);
    let types = ["--input-type", input.name(), "--output-type", output.name()];
    let reader = recipient("a.age").to_string();
    let sealed = room.run(&[&["-e", "--age", &reader], &types[..], &["plain"]].concat());
    let opened = room.decrypt_as(&sealed.stdout, output, output);
    !sealed.status.success() || !opened.status.success() || loses(name, output)
}
