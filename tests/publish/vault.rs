//! A Vault with nothing behind it: it keeps what it is sent in memory, and remembers each request.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub(crate) const TOKEN: &str = "s.throwaway";

#[derive(Default)]
struct Shelf {
    entries: BTreeMap<String, serde_json::Value>,
    requests: Vec<String>,
    odd: Option<Odd>,
}

/// What a server says to whoever asks for an entry or sends one: status, more headers, and the rest.
pub(crate) type Odd = (u16, &'static str, &'static str);

/// A server that ends with the test's process.
#[derive(Clone)]
pub(crate) struct Vault {
    shelf: Arc<Mutex<Shelf>>,
    pub(crate) address: String,
}

impl Vault {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let vault = Self { shelf: Arc::default(), address };
        let served = vault.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let served = served.clone();
                std::thread::spawn(move || served.talk(&stream.unwrap()));
            }
        });
        vault
    }

    /// What lies at a path, as it was sent.
    pub(crate) fn entry(&self, path: &str) -> Option<serde_json::Value> {
        self.shelf.lock().unwrap().entries.get(path).cloned()
    }

    /// The requests since the last call: method and path.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shelf.lock().unwrap().requests)
    }

    /// Has it say something else than Vault would.
    pub(crate) fn say(&self, odd: Odd) {
        self.shelf.lock().unwrap().odd = Some(odd);
    }

    fn talk(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            let mut words = line.split_whitespace();
            let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
            let (mut length, mut token) = (0, String::new());
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                let Some((name, value)) = header.trim_end().split_once(": ") else { break };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "x-vault-token" => value.clone_into(&mut token),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let odd = self.shelf.lock().unwrap().odd;
            let (status, more, answer) = if let Some((status, more, answer)) = odd {
                (status, more, answer.to_owned())
            } else {
                let (status, answer) = self.answer(&method, &path, &token, &body);
                (status, "", answer)
            };
            let mut stream = stream;
            let head = format!(
                "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(format!("{head}{answer}").as_bytes()).unwrap();
        }
    }

    fn answer(&self, method: &str, path: &str, token: &str, sent: &[u8]) -> (u16, String) {
        let mut kept = self.shelf.lock().unwrap();
        kept.requests.push(format!("{method} {path}"));
        let path = path.strip_prefix("/v1/").unwrap_or(path);
        if token != TOKEN {
            return (403, r#"{"errors":["permission denied"]}"#.to_owned());
        }
        match (method, kept.entries.get(path)) {
            ("GET", Some(found)) => {
                let mut found = found.clone();
                if path.contains("/data/") {
                    // the second version has what was sent below data, and metadata beside it
                    found["metadata"] = serde_json::json!({ "version": 1 });
                }
                let answer = serde_json::json!({ "data": found });
                (200, answer.to_string())
            }
            ("GET", None) => (404, r#"{"errors":[]}"#.to_owned()),
            _ => {
                kept.entries.insert(path.to_owned(), serde_json::from_slice(sent).unwrap());
                (200, "{}".to_owned())
            }
        }
    }
}
