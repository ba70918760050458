//! A key service somewhere else, asked over gRPC without encryption of its own, as sops does.
//!
//! Whoever answers sees data keys in clear, and so does the way there: that is what an address is trusted with. What it
//! says is untrusted text.

use crate::error::{Error, Result};
use crate::keys::MasterKey;
use crate::keyservice::wire::{
    DECRYPT, DecryptRequest, DecryptResponse, ENCRYPT, EncryptRequest, EncryptResponse, Key,
};
use crate::keyservice::{Address, KeyService};
use crate::secret::Secret;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

/// A key service at an address. Nothing is sent before the first key is needed.
pub struct Remote {
    address: Address,
    runtime: Runtime,
    channel: Channel,
}

/// How long a connection may take. What is asked then may take as long as a person needs to type a passphrase.
const CONNECT: Duration = Duration::from_secs(10);
/// How often a silent peer is asked whether it is still there, and how long it may take to say so.
const ALIVE: Duration = Duration::from_secs(10);

impl Remote {
    /// Gets ready to ask.
    ///
    /// # Errors
    ///
    /// The system gives no runtime; the address cannot be one.
    pub fn new(address: Address) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new("cannot talk to key services").because(error))?;
        let uri = match &address {
            Address::Tcp(host) => format!("http://{host}"),
            Address::Unix(path) => format!("unix://{}", path.display()),
        };
        let endpoint = Endpoint::from_shared(uri)
            .map_err(|error| Error::usage(format!("{address} is no address")).because(error))?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(ALIVE)
            .keep_alive_timeout(ALIVE);
        let channel = runtime.block_on(async { endpoint.connect_lazy() });
        Ok(Self { address, runtime, channel })
    }

    fn ask<Q, A>(&self, path: &'static str, question: Q) -> Result<A>
    where
        Q: prost::Message + Default + Send + 'static,
        A: prost::Message + Default + Send + 'static,
    {
        self.runtime.block_on(async {
            let mut grpc = Grpc::new(self.channel.clone());
            grpc.ready().await.map_err(|_| unreachable_service())?;
            let codec = ProstCodec::<Q, A>::default();
            let answer = grpc.unary(Request::new(question), PathAndQuery::from_static(path), codec).await;
            answer.map(tonic::Response::into_inner).map_err(|status| said(&status))
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
        Ok(Secret::new(std::mem::take(&mut answer.plaintext)))
    }

    fn name(&self) -> String {
        self.address.to_string()
    }
}

fn unreachable_service() -> Error {
    Error::new("the key service cannot be reached")
}

/// What a service said, made fit to be shown: one line, not too long.
fn said(status: &Status) -> Error {
    if status.code() == Code::Unavailable {
        return unreachable_service();
    }
    let text: String =
        status.message().chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
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
