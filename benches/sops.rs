//! How long a sops file of ten thousand values takes, step by step: `cargo bench --bench sops`.
//!
//! The least of many runs, in milliseconds, with the cryptography alone (AES-GCM and SHA-512 over the same
//! bytes) as the floor.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and fails by panicking")]

use std::hint::black_box;
use std::time::{Instant, SystemTime};
use uvars::keys::{IdentitySources, Keyring, Programs, Recipient, Wrapped, generate, generate_hybrid};
use uvars::sops::{Encrypted, Format, KeyPath, Map, Plain, Rules, Value};

fn main() {
    measure_keys();
    for (name, groups, values) in [("100 x 100", 100, 100), ("flat 10,000", 1, 10_000), ("3 values", 1, 3)] {
        measure(name, groups, values);
    }
}

/// One data key, wrapped for a reader and unwrapped, by each type of age keys.
fn measure_keys() {
    let created = "2026-01-01T00:00:00Z";
    for (name, generated) in [("X25519", generate(created)), ("hybrid", generate_hybrid(created))] {
        let generated = generated.unwrap();
        let recipient = generated.recipient;
        let sources =
            || IdentitySources { key_text: Some(generated.text.clone()), ..IdentitySources::default() };
        let ring = Keyring::new(sources());
        let enc = recipient.wrap(&[7; 32]).unwrap();
        let wrapped = [Wrapped { recipient: recipient.as_str(), enc: &enc }];
        println!("{name} keys, {} bytes armored", enc.len());
        let steps: [(&str, &dyn Fn()); 4] = [
            ("parse recipient", &|| drop(black_box(Recipient::parse(recipient.as_str()).unwrap()))),
            ("wrap", &|| drop(black_box(recipient.wrap(&[7; 32]).unwrap()))),
            ("unwrap", &|| drop(black_box(ring.unwrap(&wrapped).unwrap()))),
            ("read key, unwrap", &|| drop(black_box(Keyring::new(sources()).unwrap(&wrapped).unwrap()))),
        ];
        for (step, run) in steps {
            println!("  {step:<16} {:8.3} ms", least(run));
        }
    }
}

fn measure(name: &str, groups: usize, values: usize) {
    let identity = generate("2026-01-01T00:00:00Z").unwrap();
    let ring = Keyring::new(IdentitySources { key_text: Some(identity.text), ..IdentitySources::default() });
    let readers = ring.recipients();
    let source = Plain::new(sample(groups, values)).emit(Format::Yaml).unwrap();
    let plain = Plain::parse(source.expose(), Format::Yaml).unwrap();
    let now = SystemTime::UNIX_EPOCH;
    let file =
        Encrypted::create(&plain, &readers, &Rules::default(), now, Format::Yaml, &Programs::default())
            .unwrap();
    let bytes = file.emit().unwrap();
    let key = file.unlock(&ring).unwrap();
    let plain = file.decrypt(&key).unwrap();

    println!("{name}: {} bytes in clear, {} encrypted", source.len(), bytes.len());
    let steps: [(&str, &dyn Fn()); 9] = [
        ("its YAML alone", &|| drop(black_box(uvars::yaml::Tree::parse(&bytes).unwrap()))),
        ("parse encrypted", &|| drop(black_box(Encrypted::parse(&bytes, Format::Yaml).unwrap()))),
        ("unlock", &|| drop(black_box(file.unlock(&ring).unwrap()))),
        ("decrypt", &|| drop(black_box(file.decrypt(&key).unwrap()))),
        ("print", &|| drop(black_box(plain.emit(Format::Yaml).unwrap()))),
        ("parse plain", &|| drop(black_box(Plain::parse(source.expose(), Format::Yaml).unwrap()))),
        ("encrypt", &|| {
            drop(black_box(
                Encrypted::create(
                    &plain,
                    &readers,
                    &Rules::default(),
                    now,
                    Format::Yaml,
                    &Programs::default(),
                )
                .unwrap(),
            ));
        }),
        ("write encrypted", &|| drop(black_box(file.emit().unwrap()))),
        ("set one value", &|| {
            let mut plain = file.decrypt(&key).unwrap();
            plain.set(&KeyPath::parse("fresh").unwrap(), &Value::from("x")).unwrap();
            drop(black_box(file.update(&plain, &key, now).unwrap()));
        }),
    ];
    for (step, run) in steps {
        println!("  {step:<16} {:8.3} ms", least(run));
    }
    let whole = least(&|| {
        let file = Encrypted::parse(&bytes, Format::Yaml).unwrap();
        let plain = file.decrypt(&file.unlock(&ring).unwrap()).unwrap();
        drop(black_box(plain.emit(Format::Yaml).unwrap()));
    });
    println!("  {:<16} {whole:8.3} ms", "all of decrypt");
}

fn sample(groups: usize, values: usize) -> Map {
    let inner = |group: usize| {
        (0..values).fold(Map::new(), |map, value| {
            map.with(format!("key{value:04}"), format!("secret-{group:04}-{value:06}-abcdef").as_str())
        })
    };
    if groups == 1 {
        inner(0)
    } else {
        (0..groups).fold(Map::new(), |map, group| map.with(format!("group{group:03}"), inner(group)))
    }
}

fn least(run: &dyn Fn()) -> f64 {
    let mut least = f64::MAX;
    let begin = Instant::now();
    for round in 0..1000 {
        let start = Instant::now();
        run();
        least = least.min(start.elapsed().as_secs_f64() * 1000.0);
        if round >= 5 && begin.elapsed().as_secs_f64() > 0.5 {
            break;
        }
    }
    least
}
