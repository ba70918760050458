//! Key services both ways, over tcp and unix sockets: sops asks ours, we ask the one of sops, and each other's keys stay
//! where they are.

use crate::gnupg::{GnuPg, fingerprint};
use crate::peers;
use crate::room::{PLAIN, Room, age_key, age_recipient, printed, refused};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use uvars::keys::{IdentitySources, Keyring, MasterKey, Programs};
use uvars::keyservice::{Address, Gate, Gpg, KeyService, KeyServices, Local, Open, Use, connect, serve};
use uvars::secret::Secret;

pub(crate) const SOPS: [&str; 2] = ["sops", "sops-3.11"];

/// Our server in a thread of the test.
struct Ours {
    address: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<uvars::Result<()>>>,
}

impl Ours {
    fn start(address: String, gpg: &GnuPg, age: &[&str], gate: Arc<dyn Gate>) -> Self {
        let files = age.iter().map(|name| age_key(name)).collect();
        let keyring = Keyring::new(IdentitySources { files, ..IdentitySources::default() });
        let programs = Programs { environment: gpg.environment(), ask: None };
        let local = Local::new(keyring, Gpg { program: None, programs: programs.clone() }, programs);
        Self::serving(address, KeyServices::local(local), gate)
    }

    fn serving(address: String, services: KeyServices, gate: Arc<dyn Gate>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, wait) = std::sync::mpsc::channel();
        let (parsed, flag): (Address, _) = (address.parse().unwrap(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let ready = || ready.send(()).unwrap();
            serve(&parsed, services, gate, ready, || flag.load(Ordering::Relaxed))
        });
        wait.recv_timeout(Duration::from_secs(20)).expect("the server listens");
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join().unwrap();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

/// A server that is a program of its own, that of sops above all.
pub(crate) struct Theirs(Child);

impl Theirs {
    fn start(name: &str, room: &Room, address: &str, gpg: &GnuPg) -> Option<Self> {
        let mut command = room.sops(name, gpg, None)?;
        Some(Self::spawn(name, command.stdin(Stdio::null()), address))
    }

    /// Starts a program as a key service, and waits until it listens.
    pub(crate) fn spawn(name: &str, command: &mut Command, address: &str) -> Self {
        let (network, rest) = address.split_once("://").unwrap();
        command.args(["keyservice", "--network", network, "--address", rest]);
        let started = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        let listens = || match network {
            "unix" => std::os::unix::net::UnixStream::connect(rest).is_ok(),
            _ => std::net::TcpStream::connect(rest).is_ok(),
        };
        while !listens() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{name} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        started
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A port that nobody has at the moment, and a socket.
pub(crate) fn addresses(room: &Room) -> [String; 2] {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    [format!("tcp://127.0.0.1:{port}"), format!("unix://{}", room.path("s").display())]
}

#[test]
fn sops_uses_keys_that_only_our_server_has() {
    let (Some(with), Some(without)) = (GnuPg::with_key(), GnuPg::empty()) else { return };
    for rule in [format!("pgp: {}", fingerprint()), format!("age: {}", age_recipient("a.age"))] {
        let room = Room::new(&rule);
        for address in addresses(&room) {
            let server = Ours::start(address, &with, &["a.age"], Arc::new(Open));
            for name in SOPS {
                let Some(mut encrypt) = room.sops(name, &without, None) else { return };
                let remote = ["--enable-local-keyservice=false", "--keyservice", &server.address];
                let sealed = printed(encrypt.arg("encrypt").args(remote).arg("app.yaml"));
                std::fs::write(room.path("sealed.yaml"), sealed).unwrap();
                let alone = room
                    .sops(name, &without, None)
                    .unwrap()
                    .args(["decrypt", "sealed.yaml"])
                    .output()
                    .unwrap();
                assert!(!alone.status.success());
                let mut decrypt = room.sops(name, &without, None).unwrap();
                let opened =
                    printed(decrypt.arg("decrypt").args(["--keyservice", &server.address, "sealed.yaml"]));
                assert_eq!(opened, PLAIN, "{name} {} {rule}", server.address);
            }
        }
        assert!(!room.path("s").exists(), "the socket goes with the server");
    }
}

#[test]
fn we_use_keys_that_only_the_server_of_sops_has() {
    let (Some(with), Some(without)) = (GnuPg::with_key(), GnuPg::empty()) else { return };
    let room = Room::new(&format!("pgp: {}", fingerprint()));
    for name in SOPS {
        for address in addresses(&room) {
            let Some(_server) = Theirs::start(name, &room, &address, &with) else { return };
            let mut encrypt = room.uvars(&without, None);
            let sealed = printed(encrypt.env("SOPS_KEYSERVICE", &address).args(["encrypt", "app.yaml"]));
            std::fs::write(room.path("sealed.yaml"), sealed).unwrap();
            refused(room.uvars(&without, None).args(["decrypt", "sealed.yaml"]));
            let mut rotate = room.uvars(&without, None);
            let renewed = printed(rotate.env("SOPS_KEYSERVICE", &address).args(["rotate", "sealed.yaml"]));
            assert_eq!(renewed, "renew  sealed.yaml\n");
            for local in ["true", "false"] {
                let mut decrypt = room.uvars(&without, None);
                decrypt.env("SOPS_KEYSERVICE", &address).env("SOPS_ENABLE_LOCAL_KEYSERVICE", local);
                assert_eq!(printed(decrypt.args(["decrypt", "sealed.yaml"])), PLAIN, "{name} {address}");
            }
            drop(std::fs::remove_file(room.path("s")));
        }
    }
}

#[test]
fn a_service_that_is_not_there_or_does_not_have_the_key_is_named() {
    let (Some(with), Some(without)) = (GnuPg::with_key(), GnuPg::empty()) else { return };
    let room = Room::new(&format!("pgp: {}", fingerprint()));
    printed(room.uvars(&with, None).args(["encrypt", "-i", "app.yaml"]));
    let [tcp, unix] = addresses(&room);
    let asking = |addresses: &str| {
        let mut decrypt = room.uvars(&without, None);
        refused(decrypt.env("SOPS_KEYSERVICE", addresses).args(["decrypt", "app.yaml"]))
    };
    let said = asking(&format!("{tcp},{unix}"));
    for address in [&tcp, &unix] {
        assert!(said.contains(&format!("{address}: the key service cannot be reached")), "{said}");
    }
    let server = Ours::start(tcp, &without, &["a.age"], Arc::new(Open));
    let said = asking(&server.address);
    assert!(said.contains(&format!("{}: the key service said: gpg cannot open", server.address)), "{said}");
    let said = asking("http://127.0.0.1:1");
    assert!(said.contains("tcp://HOST:PORT") && said.contains("SOPS_KEYSERVICE names it"), "{said}");
    // the commands of sops warn and go on with the other services
    let mut decrypt = room.uvars(&with, None);
    let address = "http://127.0.0.1:1";
    let done =
        peers::feed(decrypt.env("SOPS_KEYSERVICE", address).args(["sops", "decrypt", "app.yaml"]), b"");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(String::from_utf8_lossy(&done.stdout), PLAIN, "{said}");
    assert!(said.contains("Error parsing URI for keyservice, skipping") && said.contains(address), "{said}");
}

/// A service that has something else than the data key for everybody.
struct Liar(Vec<u8>);

impl KeyService for Liar {
    fn encrypt(&self, _: &MasterKey, _: &[u8]) -> uvars::Result<String> {
        Ok(String::from_utf8(self.0.clone()).unwrap())
    }

    fn decrypt(&self, _: &MasterKey, _: &str) -> uvars::Result<Secret> {
        Ok(Secret::new(self.0.clone()))
    }

    fn name(&self) -> String {
        "liar".to_owned()
    }
}

#[test]
fn a_service_that_gives_something_else_than_the_data_key_is_told_of() {
    let Some(gpg) = GnuPg::empty() else { return };
    let (a, b) = (age_recipient("a.age"), age_recipient("b.age"));
    let rules = [
        (format!("age: {b}"), 25),
        (format!("key_groups: [{{age: [{a}]}}, {{age: [{b}]}}]"), 25),
        (format!("key_groups: [{{age: [{b}]}}, {{age: [{b}]}}]"), 128),
    ];
    for (rule, code_of_wrong_bytes) in rules {
        let room = Room::new(&rule);
        printed(room.uvars(&gpg, None).args(["encrypt", "-i", "app.yaml"]));
        let before = room.read("app.yaml");
        let whole = if rule.starts_with("age") { 32 } else { 33 };
        for (answer, is_key) in [
            (vec![], false),
            (vec![7], false),
            (vec![7; 31], false),
            (vec![7; 34], false),
            (vec![7; 64 * 1024], false),
            (vec![7; whole], true),
        ] {
            let [_, address] = addresses(&room);
            let long = answer.len();
            let _server = Ours::serving(
                address.clone(),
                KeyServices::none().with(Box::new(Liar(answer))),
                Arc::new(Open),
            );
            let asking = |words: &[&str]| {
                let mut command = room.uvars(&gpg, Some("a.age"));
                let output = peers::feed(command.env("SOPS_KEYSERVICE", &address).args(words), b"");
                let said = String::from_utf8(output.stderr).unwrap();
                assert!(!said.contains("panicked") && output.stdout.is_empty(), "{rule} {long}: {said}");
                (output.status.code().unwrap(), said)
            };
            let wanted = if is_key { code_of_wrong_bytes } else { 128 };
            for words in [
                &["sops", "decrypt", "app.yaml"][..],
                &["sops", "set", "app.yaml", "[\"port\"]", "1"],
                &["sops", "rotate", "-i", "app.yaml"],
            ] {
                let (code, said) = asking(words);
                assert_eq!(code, wanted, "{rule} {long}: {said}");
                let why =
                    format!("{address}: the key service opened it to {long} bytes, which is no data key");
                assert_eq!(said.contains(&why), !is_key, "{rule} {long}: {said}");
            }
            let (code, said) = asking(&["decrypt", "app.yaml"]);
            assert_eq!(code, if is_key { 1 } else { 4 }, "{rule} {long}: {said}");
            assert_eq!(room.read("app.yaml"), before, "{rule} {long}");
        }
    }
}

#[test]
fn the_next_service_is_asked_where_one_gives_no_data_key() {
    let Some(gpg) = GnuPg::empty() else { return };
    let room = Room::new(&format!("age: {}", age_recipient("a.age")));
    printed(room.uvars(&gpg, None).args(["encrypt", "-i", "app.yaml"]));
    let [tcp, unix] = addresses(&room);
    let _liar = Ours::serving(tcp.clone(), KeyServices::none().with(Box::new(Liar(vec![]))), Arc::new(Open));
    let _honest = Ours::start(unix.clone(), &gpg, &["a.age"], Arc::new(Open));
    for words in [&["decrypt", "app.yaml"][..], &["sops", "decrypt", "app.yaml"]] {
        let mut command = room.uvars(&gpg, None);
        command.env("SOPS_KEYSERVICE", format!("{tcp},{unix}"));
        assert_eq!(printed(command.args(words)), PLAIN);
    }
}

struct Nobody;

impl Gate for Nobody {
    fn allows(&self, wanted: Use, key: &MasterKey) -> bool {
        assert_eq!(wanted, Use::Decrypt);
        assert_eq!(*key, MasterKey::age("age1x"));
        false
    }
}

#[test]
fn a_gate_is_asked_before_a_key_is_used() {
    let Some(gpg) = GnuPg::empty() else { return };
    let room = Room::new("age: x");
    let [tcp, _] = addresses(&room);
    let server = Ours::start(tcp, &gpg, &[], Arc::new(Nobody));
    let remote = connect(server.address.parse().unwrap()).unwrap();
    let error = remote.decrypt(&MasterKey::age("age1x"), "enc").unwrap_err();
    assert_eq!(error.to_string(), "the key service said: Request rejected by user");
}

#[test]
fn only_the_owner_may_use_a_socket_and_a_taken_one_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(gpg) = GnuPg::empty() else { return };
    let room = Room::new("age: x");
    let [_, unix] = addresses(&room);
    let server = Ours::start(unix.clone(), &gpg, &[], Arc::new(Open));
    let mode = std::fs::metadata(room.path("s")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let services = KeyServices::none();
    let again = serve(&unix.parse().unwrap(), services, Arc::new(Open), || panic!("it listens"), || true);
    let error = again.unwrap_err();
    assert!(error.to_string().contains("cannot listen at unix://"));
    assert_eq!(error.hints(), [format!("if no server has it any more: rm {}", room.path("s").display())]);
    assert!(room.path("s").exists(), "the socket of the other is left alone");
    drop(server);
    assert!(!Path::new(&room.path("s")).exists());
}

#[test]
fn a_hundred_requests_at_once_are_answered() {
    let Some(gpg) = GnuPg::empty() else { return };
    let room = Room::new("age: x");
    let [tcp, _] = addresses(&room);
    let server = Ours::start(tcp, &gpg, &["a.age"], Arc::new(Open));
    let key = MasterKey::age(age_recipient("a.age"));
    let remote = connect(server.address.parse().unwrap()).unwrap();
    let remote = remote.as_ref();
    std::thread::scope(|scope| {
        for number in 0..100_u8 {
            let key = &key;
            scope.spawn(move || {
                let enc = remote.encrypt(key, &[number; 32]).unwrap();
                assert_eq!(remote.decrypt(key, &enc).unwrap().expose(), [number; 32]);
            });
        }
    });
}

#[test]
fn the_command_serves_until_it_is_told_to_end() {
    let Some(gpg) = GnuPg::empty() else { return };
    let room = Room::new(&format!("age: {}", age_recipient("a.age")));
    for address in addresses(&room) {
        for called in [&["sops"][..], &["sops", "--verbose"]] {
            let mut ours = room.uvars(&gpg, Some("a.age"));
            let mut server = Theirs::spawn("uvars", ours.args(called).stdin(Stdio::null()), &address);
            for name in SOPS {
                let Some(mut encrypt) = room.sops(name, &gpg, None) else { return };
                let sealed = printed(encrypt.args(["encrypt", "app.yaml"]));
                std::fs::write(room.path("sealed.yaml"), sealed).unwrap();
                let mut decrypt = room.sops(name, &gpg, None).unwrap();
                assert_eq!(
                    printed(decrypt.args(["decrypt", "--keyservice", &address, "sealed.yaml"])),
                    PLAIN
                );
            }
            let pid = server.0.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            assert_eq!(server.0.wait().unwrap().code(), Some(0));
            assert!(!room.path("s").exists());
        }
    }
}

#[test]
fn a_person_is_asked_about_each_request() {
    use std::io::Write as _;
    let Some(gpg) = GnuPg::empty() else { return };
    let room = Room::new("age: x");
    let [_, address] = addresses(&room);
    let mut ours = room.uvars(&gpg, Some("a.age"));
    ours.args(["sops", "keyservice", "--prompt", "--network", "unix", "--address", "s"]);
    let mut server = Theirs(ours.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut answers = server.0.stdin.take().unwrap();
    answers.write_all(b"what\n\ny\nn\n").unwrap();
    drop(answers);
    let begun = Instant::now();
    while std::os::unix::net::UnixStream::connect(room.path("s")).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    let key = MasterKey::age(age_recipient("a.age"));
    let remote = connect(address.parse().unwrap()).unwrap();
    let enc = remote.encrypt(&key, &[7; 32]).unwrap();
    // a no, and then nobody is there any more
    for _ in 0..2 {
        let error = remote.decrypt(&key, &enc).unwrap_err();
        assert_eq!(error.to_string(), "the key service said: Request rejected by user");
    }
    assert!(Command::new("kill").args(["-TERM", &server.0.id().to_string()]).status().unwrap().success());
    let asked = std::io::read_to_string(server.0.stdout.take().unwrap()).unwrap();
    let question = |verb: &str| {
        format!("\nReceived {verb} request using age key with recipient {key}. Respond to request? (y/n): ")
    };
    assert_eq!(asked, format!("{0}{0}{0}{1}{1}", question("encrypt"), question("decrypt")));
}
