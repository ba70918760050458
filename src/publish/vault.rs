//! The key-value engine of `HashiCorp` Vault and `OpenBao`, versions 1 and 2, over HTTP.
//!
//! Its answers are read up to a limit and never shown, but for the errors it lists.

use super::values::Values;
use crate::error::{Error, Result};
use crate::secret::Secret;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, http::Response};
use zeroize::Zeroize as _;

/// Where Vault is, and what opens its door; as its own programs take it from the environment.
#[derive(Debug, Default)]
pub struct VaultSettings {
    /// `VAULT_ADDR`; empty: `https://127.0.0.1:8200`.
    pub address: String,
    /// `VAULT_TOKEN`, or the content of `~/.vault-token`.
    pub token: Secret,
    /// `VAULT_NAMESPACE`; empty: none.
    pub namespace: String,
    /// `VAULT_CACERT`: a PEM file with the certificates to believe, in place of the system's.
    pub ca: Option<PathBuf>,
    /// `VAULT_CLIENT_CERT` and `VAULT_CLIENT_KEY`: PEM files by which this machine is known.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent {
    /// It was written.
    Written,
    /// It was written, and nobody knows whether the same was there: this token may not read it.
    WrittenUnseen,
    /// The same values were there already.
    UpToDate,
}

/// A Vault that can be asked.
pub struct Vault {
    settings: VaultSettings,
    agent: Agent,
}

/// What lies at a path.
enum Found {
    Nothing,
    /// Something or nothing: this token may not read it.
    Hidden,
    Values(Values),
}

const TIMEOUT: Duration = Duration::from_mins(1);
/// Far more than Vault takes as one entry (1 MiB by default).
const LARGEST: u64 = 64 * 1024 * 1024;

impl Vault {
    /// The address that holds where neither rule nor environment names one.
    pub const USUAL: &str = "https://127.0.0.1:8200";

    /// Gets ready; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A certificate or key cannot be read; there is no token.
    pub fn new(mut settings: VaultSettings) -> Result<Self> {
        if settings.address.is_empty() {
            Self::USUAL.clone_into(&mut settings.address);
        }
        if settings.token.is_empty() {
            return Err(
                Error::new("no token for Vault is at hand").hint("log in: vault login, or set VAULT_TOKEN")
            );
        }
        if !settings.token.expose_str().is_some_and(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(Error::new("the token for Vault has blanks or line ends in it"));
        }
        let mut tls = TlsConfig::builder();
        tls = match &settings.ca {
            Some(file) => tls.root_certs(RootCerts::Specific(std::sync::Arc::new(certificates(file)?))),
            None => tls.root_certs(RootCerts::PlatformVerifier),
        };
        if let Some((certificate, key)) = &settings.client {
            let key = PrivateKey::from_pem(&read(key)?)
                .map_err(|_| Error::new("this is no private key in PEM form").at(key))?;
            tls = tls.client_cert(Some(ClientCert::new_with_certs(&certificates(certificate)?, key)));
        }
        // a redirect would take the token somewhere else
        let config = Agent::config_builder().tls_config(tls.build()).timeout_global(Some(TIMEOUT));
        let config = config.http_status_as_error(false).max_redirects(0).build();
        Ok(Self { settings, agent: Agent::new_with_config(config) })
    }

    /// Writes values at a path below `/v1/`, unless the same are there. `values` is a JSON object.
    ///
    /// # Errors
    ///
    /// Vault cannot be reached, or refuses; its engine is of the other version; a number would come back as another.
    pub fn write(&self, path: &str, version: u8, values: &Secret) -> Result<Sent> {
        let wanted =
            Values::parse(values.expose()).ok_or_else(|| Error::new("these values are no JSON object"))?;
        if let Some(key) = wanted.rounded().filter(|_| version != 1) {
            return Err(Error::new("version 2 of Vault's engine hands this integer out as another, rounded")
                .key(key)
                .hint("make it a text, in quotes"));
        }
        let found = self.read(path, version)?;
        if matches!(&found, Found::Values(there) if *there == wanted) {
            return Ok(Sent::UpToDate);
        }
        self.check_engine(path, version)?;
        let mut body = Secret::new(Vec::with_capacity(values.len() + 16)).into_inner();
        let (before, after): (&[u8], &[u8]) = if version == 1 { (b"", b"") } else { (b"{\"data\":", b"}") };
        body.extend_from_slice(before);
        body.extend_from_slice(values.expose());
        body.extend_from_slice(after);
        let request = self.agent.put(self.uri(path));
        let request = self.door(request).header("Content-Type", "application/json");
        let mut answer = request.send(body.as_slice()).map_err(|error| self.unreached(&error))?;
        if !answer.status().is_success() {
            return Err(self.refused(&mut answer, path));
        }
        // a proxy, or the page of a web server, says yes to everything
        let is_object =
            |text: &[u8]| serde_json::from_slice::<Value>(text).is_ok_and(|said| said.is_object());
        if !text(&mut answer).is_some_and(|text| text.is_empty() || is_object(&text)) {
            return Err(Error::new(format!(
                "what answered at {} is not Vault, and nobody knows whether {path} was written",
                self.settings.address
            ))
            .hint("its address is that of the destination rule, else VAULT_ADDR"));
        }
        Ok(if matches!(found, Found::Hidden) { Sent::WrittenUnseen } else { Sent::Written })
    }

    /// The values at a path.
    fn read(&self, path: &str, version: u8) -> Result<Found> {
        let mut answer = self.ask(path)?;
        if !answer.status().is_success() {
            return match answer.status().as_u16() {
                // who may write need not be able to read
                403 => Ok(Found::Hidden),
                404 => Ok(Found::Nothing),
                _ => Err(self.refused(&mut answer, path)),
            };
        }
        let Some(mut text) = text(&mut answer) else { return Ok(Found::Nothing) };
        let whole = Values::parse(&text);
        text.zeroize();
        // an entry of version 2 without metadata lies in an engine of version 1: somebody has taken that for the other
        let values = whole.and_then(|mut whole| match version {
            1 => whole.take(&["data"]),
            _ => whole.take(&["data", "metadata"]).and_then(|_| whole.take(&["data", "data"])),
        });
        Ok(values.map_or(Found::Nothing, Found::Values))
    }

    /// Asks which version the engine at a path is of, as Vault's own program does: version 1 takes an entry for version 2
    /// without a word, at a path where nobody looks for it. Whoever may not ask learns the rest by writing.
    fn check_engine(&self, path: &str, version: u8) -> Result<()> {
        let mut answer = self.ask(&format!("sys/internal/ui/mounts/{path}"))?;
        if !answer.status().is_success() {
            return Ok(());
        }
        let said: Value =
            text(&mut answer).and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let word = |pointer: &str| said.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let there = match (word("/data/type"), word("/data/options/version")) {
            ("kv", "2") => 2,
            ("kv" | "generic", _) => 1,
            _ => return Ok(()),
        };
        if there == version {
            return Ok(());
        }
        let name: String = word("/data/path").chars().filter(|c| !c.is_control()).take(300).collect();
        Err(Error::new(format!(
            "{name} is a key-value engine of version {there}, and the destination rule takes it for version {version}"
        ))
        .hint(format!("write vault_kv_version: {there} into the rule")))
    }

    fn ask(&self, path: &str) -> Result<Response<Body>> {
        self.door(self.agent.get(self.uri(path))).call().map_err(|error| self.unreached(&error))
    }

    /// Where a path is, as people see it.
    pub fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.settings.address.trim_end_matches('/'))
    }

    /// The same for a program: what an address cannot hold is written by its numbers.
    fn uri(&self, path: &str) -> String {
        self.url(&escaped(path))
    }

    fn door<T>(&self, request: ureq::RequestBuilder<T>) -> ureq::RequestBuilder<T> {
        let token = self.settings.token.expose_str().unwrap_or_default();
        let request = request.header("X-Vault-Token", token).header("X-Vault-Request", "true");
        match self.settings.namespace.as_str() {
            "" => request,
            namespace => request.header("X-Vault-Namespace", namespace),
        }
    }

    fn unreached(&self, error: &ureq::Error) -> Error {
        Error::new(format!("cannot reach Vault at {}: {error}", self.settings.address))
            .hint("its address is that of the destination rule, else VAULT_ADDR")
    }

    fn refused(&self, answer: &mut Response<Body>, path: &str) -> Error {
        let status = answer.status();
        let said: Value =
            text(answer).and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        // where a path is none of its engine, Vault says so in a warning
        let lines = ["errors", "warnings"].into_iter().filter_map(|name| said.get(name)?.as_array());
        let lines = lines.flatten().filter_map(Value::as_str);
        let told: Vec<String> =
            lines.take(3).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let told: String = told.join("; ").chars().filter(|c| !c.is_control()).take(300).collect();
        let told = if told.is_empty() { String::new() } else { format!(": {told}") };
        let error =
            Error::new(format!("Vault at {} answered {status} for {path}{told}", self.settings.address));
        let elsewhere = answer.headers().get("location").filter(|_| status.is_redirection());
        match elsewhere.and_then(|place| place.to_str().ok()) {
            // a server that only stands by sends to the one that works
            Some(place) => error.hint(format!(
                "the token is not taken elsewhere; if this is your Vault, give its address: {}",
                place.chars().take(300).collect::<String>()
            )),
            None => error,
        }
    }
}

/// Every byte that may not stand in the path of an address, by its number.
fn escaped(path: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte);
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if stays(byte) {
            out.push(char::from(byte));
        } else {
            // writing into a string does not fail
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn text(answer: &mut Response<Body>) -> Option<Vec<u8>> {
    answer.body_mut().with_config().limit(LARGEST).read_to_vec().ok()
}

fn read(file: &PathBuf) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| Error::io("read", file, error))
}

fn certificates(file: &PathBuf) -> Result<Vec<Certificate<'static>>> {
    let bytes = read(file)?;
    let found: Vec<_> = parse_pem(&bytes)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        Err(Error::new("there is no certificate in PEM form in it").at(file))
    } else {
        Ok(found)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Vault").field("address", &self.settings.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_cannot_hold_is_escaped() {
        assert_eq!(escaped("secret/data/a-b_c.d~e@f+g=h:i"), "secret/data/a-b_c.d~e@f+g=h:i");
        assert_eq!(
            escaped("a b/\u{e9}%2e?#<>^`{}|\\\"[]"),
            "a%20b/%C3%A9%252e%3F%23%3C%3E%5E%60%7B%7D%7C%5C%22%5B%5D"
        );
    }
}
