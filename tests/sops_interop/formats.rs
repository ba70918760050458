//! From one format to another: every input printed as, and encrypted to, every other format, here and in sops.

use crate::matrix::{Bench, Input, Kind, in_parallel, inputs};
use crate::room::{Room, print, print_as, recipient, seal, shown};
use crate::table;
use std::collections::BTreeSet;
use uvars::sops::{Format, Plain, Rules};

/// The kind of difference that printing in a format makes.
fn kind(format: Format) -> Kind {
    match format {
        Format::Yaml => Kind::AsYaml,
        Format::Json => Kind::AsJson,
        Format::Dotenv => Kind::AsDotenv,
        Format::Ini => Kind::AsIni,
        _ => Kind::AsBinary,
    }
}

#[test]
fn every_format_is_printed_as_every_other() {
    if Room::new("sops").is_none() {
        return;
    }
    let found = in_parallel(&inputs(), |bench, input| {
        let Ok(file) = bench.rooms[0].try_encrypt(&input.source, input.format) else { return Vec::new() };
        let others = Format::ALL.into_iter().filter(|format| *format != input.format);
        others.filter_map(|output| difference(bench, input, &file, output)).collect()
    });
    let seen: BTreeSet<_> = found.iter().map(|(name, kind, _)| (name.clone(), *kind)).collect();
    let (news, old) = table::compare(&seen, &Kind::CONVERSIONS);
    let texts: Vec<&str> = found
        .iter()
        .filter(|(name, kind, _)| news.contains(&format!("`{name}` {kind}")))
        .map(|(.., text)| text.as_str())
        .collect();
    assert!(news.is_empty(), "no table names {news:?}\n{}", texts.join("\n"));
    assert!(old.is_empty(), "the tables name differences that there are not: {old:?}");
}

/// How what both print of a file that sops wrote differs.
fn difference(bench: &Bench, input: &Input, file: &[u8], output: Format) -> Option<(String, Kind, String)> {
    let theirs = bench.rooms[0].decrypt_as(file, input.format, output);
    let ours = print_as(file, input.format, output).map_err(|error| error.to_string());
    let same = match &ours {
        Ok(ours) => theirs.status.success() && *ours == theirs.stdout,
        Err(_) => !theirs.status.success(),
    };
    let text = || {
        let ours = ours.clone().map(|ours| shown(&ours));
        let (out, err) = (shown(&theirs.stdout), shown(&theirs.stderr));
        format!("== {} as {}\n{ours:?}\n-- sops\n{out:?}\n{err}", input.name, output.name())
    };
    (!same).then(|| (input.name.clone(), kind(output), text()))
}

/// Up to 3.13.1 sops takes every number of JSON for a float, and a large whole one in clear for another number.
fn is_another_number(sops: &str, name: &str, format: Format) -> bool {
    sops == "sops-3.11" && name == "large-in-clear.json" && format == Format::Json
}

/// Whether sops prints something else than what is in a file, where we refuse.
fn loses(name: &str, output: Format) -> bool {
    table::differences().contains(&(name.to_owned(), kind(output)))
}

#[test]
fn what_is_encrypted_in_another_format_is_opened_by_sops() {
    if Room::new("sops").is_none() {
        return;
    }
    let wrong = in_parallel(&inputs(), |bench, input| {
        let Ok(plain) = Plain::parse(&input.source, input.format) else { return Vec::new() };
        let others = Format::ALL.into_iter().filter(|format| *format != input.format);
        others.filter_map(|output| wrong(bench, input, &plain, output)).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with an input that is encrypted in some format.
fn wrong(bench: &Bench, input: &Input, plain: &Plain, output: Format) -> Option<String> {
    let name = &input.name;
    let file = match seal(plain, &Rules::default(), output) {
        Ok(file) => file,
        // what we refuse sops refuses, or cannot open or loses
        Err(_) if refused(&bench.rooms[0], input, output) => return None,
        Err(error) => return Some(format!("== {name} as {}: {error}", output.name())),
    };
    let Ok(printed) = print(&file, output) else {
        assert!(loses(name, output), "{name} as {}", output.name());
        return None;
    };
    let fails = |room: &&Room| {
        let opened = room.decrypt_as(&file, output, output);
        let same = opened.status.success() && opened.stdout == printed;
        let named =
            output == input.format || loses(name, output) || is_another_number(room.sops, name, output);
        (!same && !named).then(|| {
            let (ours, theirs) = (shown(&printed), shown(&opened.stdout));
            format!(
                "== {} {name} as {}\n{ours}\n-- sops\n{theirs}{}",
                room.sops,
                output.name(),
                shown(&opened.stderr)
            )
        })
    };
    bench.rooms.iter().find_map(|room| fails(&room))
}

/// Whether sops does not encrypt this in a format, does not open what it has made, or loses something.
fn refused(room: &Room, input: &Input, output: Format) -> bool {
    room.write("plain", &input.source);
    let types = ["--input-type", input.format.name(), "--output-type", output.name()];
    let reader = recipient("a.age").to_string();
    let sealed = room.run(&[&["-e", "--age", &reader], &types[..], &["plain"]].concat());
    let opened = room.decrypt_as(&sealed.stdout, output, output);
    !sealed.status.success() || !opened.status.success() || loses(&input.name, output)
}
