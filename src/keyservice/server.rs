//! The other end: a server that wraps and opens data keys with the keys of this machine, for whoever can reach it.
//!
//! It writes nothing to disk but its socket, and tells its peers no more than that something failed and for which
//! key. Whether a request is answered at all, its caller may ask a person.

use crate::error::{Error, Result, as_file};
use crate::keys::{MasterKey, Wrap as _};
use crate::keyservice::wire::{
    DECRYPT, DecryptRequest, DecryptResponse, ENCRYPT, EncryptRequest, EncryptResponse, Key,
};
use crate::keyservice::{Address, KeyServices};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tonic::codegen::{Body, Service, StdError, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

/// What a peer wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// Wrap a data key.
    Encrypt,
    /// Open one.
    Decrypt,
}

/// Says whether a request may be answered.
pub trait Gate: Send + Sync {
    /// Called before the key is used, one request at a time.
    fn allows(&self, wanted: Use, key: &MasterKey) -> bool;
}

/// Everybody may.
#[derive(Clone, Copy, Debug)]
pub struct Open;

impl Gate for Open {
    fn allows(&self, _: Use, _: &MasterKey) -> bool {
        true
    }
}

/// Answers until `stop` says so, which is asked several times a second. `ready` is called once peers can connect.
///
/// # Errors
///
/// Nobody can listen there: the address is taken, or not this machine's.
pub fn serve(
    address: &Address,
    services: KeyServices,
    gate: Arc<dyn Gate>,
    ready: impl FnOnce(),
    stop: impl Fn() -> bool,
) -> Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new("cannot serve keys").because(error))?;
    let desk = Desk { services: Arc::new(services), gate };
    let cannot = |error: std::io::Error| {
        let is_taken = error.kind() == std::io::ErrorKind::AddrInUse;
        let said = Error::new(format!("cannot listen at {address}")).because(error);
        match address {
            // a server that was killed leaves its socket behind
            Address::Unix(path) if is_taken => {
                said.hint(format!("if no server has it any more: rm {}", as_file(&path.to_string_lossy())))
            }
            _ => said,
        }
    };
    let stopped = async {
        while !stop() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let served = runtime.block_on(async {
        let server = tonic::transport::Server::builder();
        let ended = match address {
            Address::Tcp(host) => {
                let listener = TcpListener::bind(host).await.map_err(cannot)?;
                ready();
                let incoming = TcpListenerStream::new(listener);
                until(stopped, server.serve_with_incoming(desk, incoming)).await
            }
            Address::Unix(path) => {
                let socket = Socket::bind(path).map_err(cannot)?;
                ready();
                let _removed = socket.file;
                let incoming = UnixListenerStream::new(socket.listener);
                until(stopped, server.serve_with_incoming(desk, incoming)).await
            }
        };
        let error = ended.and_then(std::result::Result::err);
        let cannot_go_on = |error| Error::new(format!("cannot go on listening at {address}")).because(error);
        error.map_or(Ok(()), |error| Err(cannot_go_on(error)))
    });
    // a peer that stays connected, or a person who does not answer gpg, does not keep a server that was told to end
    runtime.shutdown_background();
    served
}

/// Goes on with some work until something else has ended; nothing if that came first.
async fn until<T>(end: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|context| {
        if end.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// A socket that only its owner may connect to, and that goes with the server.
struct Socket {
    listener: UnixListener,
    file: SocketFile,
}

struct SocketFile(PathBuf);

impl Socket {
    fn bind(path: &Path) -> std::io::Result<Self> {
        let old = rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        let listener = UnixListener::bind(path);
        rustix::process::umask(old);
        Ok(Self { listener: listener?, file: SocketFile(path.to_owned()) })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.0.symlink_metadata().is_ok_and(|found| found.file_type().is_socket()) {
            drop(std::fs::remove_file(&self.0));
        }
    }
}

/// Where requests come in.
#[derive(Clone)]
struct Desk {
    services: Arc<KeyServices>,
    gate: Arc<dyn Gate>,
}

type Answer<T> = Pin<Box<dyn Future<Output = std::result::Result<T, Status>> + Send>>;

impl Desk {
    /// Uses a key off the thread that talks to peers: gpg may wait for a person.
    fn answer<T: Send + 'static>(
        &self,
        wanted: Use,
        key: Option<Key>,
        with: impl FnOnce(&KeyServices, &MasterKey) -> Result<T> + Send + 'static,
    ) -> Answer<Response<T>> {
        let desk = self.clone();
        Box::pin(async move {
            let key = key.ok_or_else(|| Status::not_found("Must provide a key"))?;
            let key = key.into_master_key().ok_or_else(|| Status::not_found("Unknown key type"))?;
            let used = tokio::task::spawn_blocking(move || {
                if !desk.gate.allows(wanted, &key) {
                    return Err(Status::permission_denied("Request rejected by user"));
                }
                with(&desk.services, &key).map_err(|error| Status::new(Code::Unknown, error.message()))
            });
            let used = used.await.map_err(|_| Status::internal("the key could not be used"))?;
            used.map(Response::new)
        })
    }
}

struct Encrypt(Desk);

impl UnaryService<EncryptRequest> for Encrypt {
    type Response = EncryptResponse;
    type Future = Answer<Response<EncryptResponse>>;

    fn call(&mut self, request: Request<EncryptRequest>) -> Self::Future {
        let mut asked = request.into_inner();
        self.0.answer(Use::Encrypt, asked.key.take(), move |services, key| {
            let enc = services.wrap(key, &asked.plaintext)?;
            Ok(EncryptResponse { ciphertext: enc.into_bytes() })
        })
    }
}

struct Decrypt(Desk);

impl UnaryService<DecryptRequest> for Decrypt {
    type Response = DecryptResponse;
    type Future = Answer<Response<DecryptResponse>>;

    fn call(&mut self, request: Request<DecryptRequest>) -> Self::Future {
        let asked = request.into_inner();
        self.0.answer(Use::Decrypt, asked.key, move |services, key| {
            let enc = std::str::from_utf8(&asked.ciphertext)
                .map_err(|_| Error::new("the wrapped data key is no text"))?;
            let opened = services.open(key, enc)?;
            Ok(DecryptResponse { plaintext: opened.expose().to_vec() })
        })
    }
}

impl NamedService for Desk {
    const NAME: &'static str = "KeyService";
}

impl<B> Service<http::Request<B>> for Desk
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let desk = self.clone();
        Box::pin(async move {
            Ok(match request.uri().path() {
                ENCRYPT => Grpc::new(ProstCodec::default()).unary(Encrypt(desk), request).await,
                DECRYPT => Grpc::new(ProstCodec::default()).unary(Decrypt(desk), request).await,
                _ => Status::unimplemented("the key service has Encrypt and Decrypt").into_http(),
            })
        })
    }
}
