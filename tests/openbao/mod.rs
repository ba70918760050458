//! A real `OpenBao`: a development server of its own for a test, in memory,
//! on a port of its own, and gone with the test.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "this is test code"
)]

use crate::peers;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use ureq::http::Request;
use ureq::tls::TlsConfig;

pub(crate) const ROOT: &str = "throwaway-root";
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    agent: ureq::Agent,
    pub(crate) address: String,
}

impl Server {
    /// With version 2 of the engine at `secret/` and version 1 at `kv1/`. None where there is no such program here.
    pub(crate) fn start() -> Option<Self> {
        Self::with("http", &[])
    }

    /// The same over TLS, with certificates of its own ([`Self::authority`]).
    pub(crate) fn start_tls() -> Option<Self> {
        Self::with("https", &["-dev-tls"])
    }

    fn with(scheme: &str, more: &[&str]) -> Option<Self> {
        // somebody may take the port between our look and its start
        let mut said = String::new();
        for _ in 0..5 {
            let mut server = Self::spawn(scheme, more)?;
            if server.is_ready() {
                let made = server.ask("POST", "sys/mounts/kv1", &engine(1));
                assert_eq!(made.0, 204, "{made:?}");
                return Some(server);
            }
            said = server.log();
        }
        panic!("the development server does not start: {said}");
    }

    fn spawn(scheme: &str, more: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = peers::command("bao")?;
        command.args(["server", "-dev", "-dev-no-store-token"]).args(more);
        command.arg(format!("-dev-root-token-id={ROOT}"));
        command.arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        if !more.is_empty() {
            command.arg(format!("-dev-tls-cert-dir={}", folder.path().display()));
        }
        command.env("HOME", folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        // what is asked here is the test's own server: whom it is by does not matter
        let tls = TlsConfig::builder().disable_verification(true).build();
        let agent = ureq::Agent::config_builder().tls_config(tls).http_status_as_error(false);
        let agent = agent.timeout_global(Some(PATIENCE)).build().into();
        Some(Self { child, folder, agent, address: format!("{scheme}://127.0.0.1:{port}") })
    }

    /// Waits until the engine at `secret/` answers. False where the program ended.
    fn is_ready(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if self
                .send("GET", "secret/config", ROOT, "", &Value::Null)
                .is_ok_and(|(status, _)| status == 200)
            {
                return true;
            }
            assert!(begun.elapsed() < PATIENCE, "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it wrote about itself.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// The certificate that vouches for it.
    pub(crate) fn authority(&self) -> PathBuf {
        let mut files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        files
            .find(|file| file.to_string_lossy().ends_with("-ca.pem"))
            .expect("it wrote its certificates down")
    }

    /// Status and answer, as root.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.ask_in("", method, path, body)
    }

    /// The same in a namespace.
    pub(crate) fn ask_in(&self, namespace: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.send(method, path, ROOT, namespace, body).unwrap()
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        namespace: &str,
        body: &Value,
    ) -> Result<(u16, Value), ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}/v1/{path}", self.address));
        request = request.header("X-Vault-Token", token);
        if !namespace.is_empty() {
            request = request.header("X-Vault-Namespace", namespace);
        }
        let mut answer = match body {
            Value::Null => self.agent.run(request.body(()).unwrap())?,
            body => self.agent.run(request.body(body.to_string()).unwrap())?,
        };
        let text = answer.body_mut().read_to_vec()?;
        Ok((answer.status().as_u16(), serde_json::from_slice(&text).unwrap_or_default()))
    }

    /// The values at a path of `secret/` (version 2); null where nothing is.
    pub(crate) fn secret(&self, path: &str) -> Value {
        self.ask("GET", &format!("secret/data/{path}"), &Value::Null).1["data"]["data"].take()
    }

    /// Which version of the entry at a path of `secret/` is the current one; null where nothing is.
    pub(crate) fn current(&self, path: &str) -> Value {
        self.ask("GET", &format!("secret/metadata/{path}"), &Value::Null).1["data"]["current_version"].take()
    }

    /// The values at a path of `kv1/`; null where nothing is.
    pub(crate) fn kv1(&self, path: &str) -> Value {
        self.ask("GET", &format!("kv1/{path}"), &Value::Null).1["data"].take()
    }

    /// A new token that may do this much.
    pub(crate) fn token(&self, policy: &str) -> String {
        let made = self.ask("PUT", "sys/policies/acl/test", &json!({ "policy": policy }));
        assert_eq!(made.0, 204, "{made:?}");
        let made = self.ask("POST", "auth/token/create", &json!({ "policies": ["test"] }));
        made.1["auth"]["client_token"].as_str().expect("a token is made").to_owned()
    }

    /// Stops it, as a failure of its machine would.
    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What makes an engine of this version.
pub(crate) fn engine(version: u8) -> Value {
    json!({ "type": "kv", "options": { "version": version.to_string() } })
}
