//! The key-value engine of `HashiCorp` Vault and `OpenBao`, versions 1 and 2, over HTTP.
//!
//! Its answers are read up to a limit and never shown, but for the errors it lists.

use crate::error::{Error, Result};
use crate::secret::Secret;
use serde_json::Value;
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
    /// The same values were there already.
    UpToDate,
}

/// A Vault that can be asked.
pub struct Vault {
    settings: VaultSettings,
    agent: Agent,
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
    /// Vault cannot be reached, or refuses.
    pub fn write(&self, path: &str, version: u8, values: &Secret) -> Result<Sent> {
        let mut wanted: Value = serde_json::from_slice(values.expose())
            .map_err(|_| Error::new("these values are no JSON object"))?;
        let same = self.read(path, version)?.is_some_and(|mut there| {
            let same = there == wanted;
            wipe(&mut there);
            same
        });
        wipe(&mut wanted);
        if same {
            return Ok(Sent::UpToDate);
        }
        let mut body = Secret::new(Vec::with_capacity(values.len() + 16)).into_inner();
        let (before, after): (&[u8], &[u8]) = if version == 1 { (b"", b"") } else { (b"{\"data\":", b"}") };
        body.extend_from_slice(before);
        body.extend_from_slice(values.expose());
        body.extend_from_slice(after);
        let request = self.agent.put(self.url(path));
        let request = self.door(request).header("Content-Type", "application/json");
        let mut answer = request.send(body.as_slice()).map_err(|error| self.unreached(&error))?;
        if answer.status().is_success() { Ok(Sent::Written) } else { Err(self.refused(&mut answer, path)) }
    }

    /// The values at a path; none where nothing is, or where they may not be read.
    fn read(&self, path: &str, version: u8) -> Result<Option<Value>> {
        let mut answer =
            self.door(self.agent.get(self.url(path))).call().map_err(|error| self.unreached(&error))?;
        if !answer.status().is_success() {
            // who may write need not be able to read
            return match answer.status().as_u16() {
                403 | 404 => Ok(None),
                _ => Err(self.refused(&mut answer, path)),
            };
        }
        let Some(mut text) = text(&mut answer) else { return Ok(None) };
        let mut whole: Value = serde_json::from_slice(&text).unwrap_or_default();
        text.zeroize();
        let mut data = whole.get_mut("data").map(Value::take);
        if version != 1 {
            data = data.as_mut().and_then(|data| data.get_mut("data")).map(Value::take);
        }
        wipe(&mut whole);
        Ok(data)
    }

    /// Where a path is, as people see it.
    pub fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.settings.address.trim_end_matches('/'))
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
        let lines =
            said.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let told: Vec<String> =
            lines.take(3).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let told: String = told.join("; ").chars().filter(|c| !c.is_control()).take(300).collect();
        let told = if told.is_empty() { String::new() } else { format!(": {told}") };
        Error::new(format!("Vault at {} answered {status} for {path}{told}", self.settings.address))
    }
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

/// Overwrites the texts of a JSON value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Vault").field("address", &self.settings.address).finish_non_exhaustive()
    }
}
