//! A key service somewhere else, asked over gRPC without encryption of its own, as sops does.
//!
//! Whoever answers sees data keys in clear, and so does the way there: that is what an address is trusted with. What it
//! says is untrusted text.

use crate::error::{Error, Result, one_line};
use crate::keys::MasterKey;
use crate::keyservice::wire::{
    DECRYPT, DecryptRequest, DecryptResponse, ENCRYPT, EncryptRequest, EncryptResponse, Key,
};
use crate::keyservice::{Address, KeyService};
use crate::secret::Secret;
use std::error::Error as StdError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

/// A key service at an address. Nothing is sent before the first key is needed.
pub struct Remote {
    address: Address,
    runtime: Runtime,
    channel: Channel,
    alive: Duration,
    /// It kept us waiting in vain. A file may have many keys to ask for, and nobody is to wait for each of them.
    silent: AtomicBool,
}

/// How long a connection may take. What is asked then may take as long as a person needs to type a passphrase.
const CONNECT: Duration = Duration::from_secs(10);
/// How often a silent peer is asked whether it is still there, and how long it may take to say so.
const ALIVE: Duration = Duration::from_secs(10);
/// How much is shown of what another said.
const LONGEST: usize = 300;

impl Remote {
    /// Gets ready to ask.
    ///
    /// # Errors
    ///
    /// The system gives no runtime; the address cannot be one.
    pub fn new(address: Address) -> Result<Self> {
        Self::with_patience(address, CONNECT, ALIVE)
    }

    fn with_patience(address: Address, connect: Duration, alive: Duration) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new("cannot talk to key services").because(error))?;
        let uri = match &address {
            Address::Tcp(host) => format!("http://{host}"),
            Address::Unix(_) => address.to_string(),
        };
        let endpoint = Endpoint::from_shared(uri)
            .map_err(|error| Error::usage(format!("{address} is no address")).because(error))?
            .connect_timeout(connect)
            .http2_keep_alive_interval(alive)
            .keep_alive_timeout(alive);
        let channel = runtime.block_on(async { endpoint.connect_lazy() });
        Ok(Self { address, runtime, channel, alive, silent: AtomicBool::new(false) })
    }

    fn ask<Q, A>(&self, path: &'static str, question: Q) -> Result<A>
    where
        Q: prost::Message + Default + Send + 'static,
        A: prost::Message + Default + Send + 'static,
    {
        if self.silent.load(Ordering::Relaxed) {
            return Err(unreached("it did not answer before"));
        }
        let begun = Instant::now();
        let answer = self.runtime.block_on(async {
            let mut grpc = Grpc::new(self.channel.clone());
            grpc.ready().await.map_err(|error| Failed::Way(reason(&error)))?;
            let codec = ProstCodec::<Q, A>::default();
            let answer = grpc.unary(Request::new(question), PathAndQuery::from_static(path), codec).await;
            answer.map(tonic::Response::into_inner).map_err(|status| Failed::of(&status))
        });
        answer.map_err(|failed| match failed {
            Failed::Said(error) => error,
            Failed::Way(why) => {
                // a refusal comes at once, and who asks again may find it gone
                self.silent.fetch_or(begun.elapsed() >= self.alive, Ordering::Relaxed);
                unreached(&why)
            }
        })
    }
}

impl KeyService for Remote {
    fn encrypt(&self, key: &MasterKey, plaintext: &[u8]) -> Result<String> {
        let question = EncryptRequest { key: Some(Key::from(key)), plaintext: plaintext.to_vec() };
        let answer: EncryptResponse = self.ask(ENCRYPT, question)?;
        let text = String::from_utf8(answer.ciphertext)
            .map_err(|_| Error::new("the key service wrapped the data key into something that is no text"))?;
        if text.is_empty() {
            return Err(Error::new("the key service wrapped nothing"));
        }
        Ok(text)
    }

    fn decrypt(&self, key: &MasterKey, ciphertext: &str) -> Result<Secret> {
        let question =
            DecryptRequest { key: Some(Key::from(key)), ciphertext: ciphertext.as_bytes().to_vec() };
        let mut answer: DecryptResponse = self.ask(DECRYPT, question)?;
        let opened = Secret::new(std::mem::take(&mut answer.plaintext));
        // a data key, or a share of one, which is a byte longer; where it is neither, another service may do better
        if !matches!(opened.len(), 32 | 33) {
            let long = opened.len();
            return Err(Error::new(format!(
                "the key service opened it to {long} bytes, which is no data key"
            )));
        }
        Ok(opened)
    }

    fn name(&self) -> String {
        self.address.to_string()
    }
}

/// Why there is no answer.
enum Failed {
    /// It said no.
    Said(Error),
    /// Nobody is there, somebody who speaks otherwise, or the way there broke off.
    Way(String),
}

impl Failed {
    fn of(status: &Status) -> Self {
        // what did not come over the wire has a cause on this machine
        match status.source() {
            Some(_) => Self::Way(reason(status)),
            None => Self::Said(said(status)),
        }
    }
}

fn unreached(why: &str) -> Error {
    Error::new(format!("the key service cannot be reached: {why}"))
}

/// The innermost cause, which says most.
fn reason(error: &(dyn StdError + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    one_line(&inner.to_string()).chars().take(LONGEST).collect()
}

/// What a service said, made fit to be shown: one line, not too long.
fn said(status: &Status) -> Error {
    let text: String =
        status.message().chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Error::new(format!("the key service refused ({:?})", status.code()));
    }
    Error::new(format!("the key service said: {text}"))
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Remote").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    /// A peer that does this with each connection, as something to ask.
    fn peer(with: impl Fn(TcpStream) + Send + Sync + 'static) -> Remote {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        std::thread::spawn(move || listener.incoming().for_each(|peer| with(peer.unwrap())));
        let patience = Duration::from_millis(300);
        Remote::with_patience(address, patience, patience).unwrap()
    }

    fn asked(remote: &Remote) -> String {
        remote.decrypt(&MasterKey::age("age1x"), "enc").unwrap_err().to_string()
    }

    #[test]
    fn a_silent_peer_is_given_up_and_not_waited_for_again() {
        let silent = peer(|mut peer| {
            std::thread::spawn(move || peer.read_to_end(&mut Vec::new()));
        });
        let begun = Instant::now();
        assert!(asked(&silent).starts_with("the key service cannot be reached: "));
        let once = begun.elapsed();
        assert!(once < Duration::from_secs(20), "{once:?}");
        for _ in 0..1000 {
            assert_eq!(asked(&silent), "the key service cannot be reached: it did not answer before");
        }
        assert!(begun.elapsed() < once + Duration::from_secs(20));
    }

    #[test]
    fn no_words_of_ours_are_taken_for_the_services() {
        let closes = peer(drop);
        let speaks_otherwise = peer(|mut peer| {
            let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        let babbles = peer(|mut peer| {
            let _ = peer.write_all(&vec![0xff; 100_000]);
        });
        for other in [closes, speaks_otherwise, babbles] {
            for _ in 0..2 {
                let said = asked(&other);
                assert!(said.starts_with("the key service cannot be reached: "), "{said}");
                assert!(!said.ends_with("before"), "{said}");
            }
        }
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let nobody = Remote::new(format!("tcp://{address}").parse().unwrap()).unwrap();
        assert!(asked(&nobody).contains("refused"), "{}", asked(&nobody));
    }
}
