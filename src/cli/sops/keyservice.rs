//! `sops keyservice`: the keys at hand for others, over sops' own protocol, until a signal ends it.

use super::Command;
use super::call::Call;
use super::fault::{Fault, Outcome};
use super::files;
use super::flags::{Flag, Kind};
use super::log::{self, Level};
use super::tables::VERBOSE;
use crate::cli::signals;
use crate::keys::{KeyType, MasterKey};
use crate::keyservice::{self, Address, Gate, KeyServices, Use};
use std::io::BufRead as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) const COMMAND: Command = Command {
    name: "keyservice",
    words: "",
    about: "Wrap and open data keys for others, with the keys at hand here",
    more: "Peers are not asked who they are, and what they say is not encrypted: whoever can connect can have every data \
           key opened that the keys at hand open. A unix socket is for its owner alone.",
    flags: &[&[NETWORK, ADDRESS, PROMPT, VERBOSE]],
    below: &[],
    run,
};

const NETWORK: Flag =
    Flag::new(&["network", "net"], Kind::Text, "Where to listen: tcp, which is usual, or unix");
const ADDRESS: Flag = Flag::new(
    &["address", "addr"],
    Kind::Text,
    "The address there: HOST:PORT, usually 127.0.0.1:5000, or the path of a socket",
);
const PROMPT: Flag = Flag::new(&["prompt"], Kind::Switch(false), "Ask before a key is used");

fn run(call: &Call<'_>) -> Outcome<()> {
    if !call.words().is_empty() {
        // whoever names a file here means another command, and is not left waiting
        return Err(Fault::failed("keyservice takes flags alone"));
    }
    call.read_config()?;
    let address = address(call)?;
    let gate: Arc<dyn Gate> =
        if call.is_on("prompt") { Arc::new(Person::default()) } else { Arc::new(keyservice::Open) };
    let says = call.is_on("verbose") || call.root.is_on("verbose");
    let held = signals::hold()?;
    let ready = || {
        if says {
            log::line(Level::Info, &format!("Listening on {address}"), &[]);
        }
    };
    let services = KeyServices::local(call.context.local_service()?);
    let served = keyservice::serve(&address, services, gate, ready, || held.noted().is_some());
    if held.noted().is_some() {
        // to be ended by a signal is how a server ends well
        held.forget();
    }
    served.map_err(Fault::from)
}

fn address(call: &Call<'_>) -> Outcome<Address> {
    let or = |name: &str, usual: &str| {
        let text = call.text(name);
        if text.is_empty() { usual.to_owned() } else { text.to_owned() }
    };
    let (network, place) = (or("network", "tcp"), or("address", "127.0.0.1:5000"));
    match network.as_str() {
        "unix" => Ok(Address::Unix(call.absolute(&place))),
        "tcp" | "tcp4" | "tcp6" => {
            let place = if place.starts_with(':') { format!("0.0.0.0{place}") } else { place };
            Ok(format!("tcp://{place}").parse()?)
        }
        _ => Err(Fault::failed(format!("listen {network}: unknown network {network}"))),
    }
}

/// A person at the terminal, who is asked about one request after another.
#[derive(Default)]
struct Person {
    asking: Mutex<()>,
    gone: AtomicBool,
}

impl Gate for Person {
    fn allows(&self, wanted: Use, key: &MasterKey) -> bool {
        let _one = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let verb = if wanted == Use::Encrypt { "encrypt" } else { "decrypt" };
        let question = format!("\nReceived {verb} request using {}. Respond to request? (y/n): ", named(key));
        while !self.gone.load(Ordering::Relaxed) {
            let mut line = String::new();
            let asked = files::print(question.as_bytes()).is_ok();
            let read = asked.then(|| std::io::stdin().lock().read_line(&mut line).ok()).flatten();
            match (read, line.trim()) {
                (None | Some(0), _) => self.gone.store(true, Ordering::Relaxed),
                (_, "y") => return true,
                (_, "n") => return false,
                _ => {}
            }
        }
        // nobody is there any more to say yes
        false
    }
}

/// A key as a person reads it; a peer names it, so that it may hold anything.
fn named(key: &MasterKey) -> String {
    let what = match key.kind() {
        KeyType::Pgp => "PGP key with fingerprint",
        KeyType::Kms => "AWS KMS key with ARN",
        KeyType::GcpKms => "GCP KMS key with resource ID",
        KeyType::AzureKv => "Azure Key Vault key with URL",
        KeyType::HcVault => "Hashicorp Vault key with URI",
        KeyType::Hckms => "HuaweiCloud KMS key with ID",
        KeyType::Age => "age key with recipient",
    };
    let text = match key {
        MasterKey::Kms { arn, .. } => arn.clone(),
        other => other.to_string(),
    };
    let shown: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).take(500).collect();
    format!("{what} {shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_in_one_line() {
        assert_eq!(named(&MasterKey::age("age1x\n\u{1b}[2Jy")), "age key with recipient age1x??[2Jy");
    }
}
