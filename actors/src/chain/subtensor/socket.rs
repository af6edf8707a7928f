//! Opens a websocket to a node, encrypted where its address says so. Certificates are checked
//! against the roots that are built in, so that no file of the machine is needed, and against those
//! that an operator adds for authorities of their own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::{error, fmt, io};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{CertificateError, ClientConfig, Error as TlsError, RootCertStore};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tracing::warn;

use super::{CallError, Endpoint};

/// The largest message that a node may send: many times mainnet's largest answer.
const MAX_MESSAGE_BYTES: usize = 32 << 20;
/// Written at most until a node reads again: requests are small.
const MAX_UNSENT_BYTES: usize = 4 << 20;
/// "Too Many Requests" and "Service Unavailable".
const BUSY: [u16; 2] = [429, 503];

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The authorities that certificates must come from: those that are built in, by default.
#[derive(Clone, Default)]
pub struct Roots(Option<Arc<ClientConfig>>);

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "built in and own" } else { "built in" })
    }
}

/// Why a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It cannot be read, or is no PEM file.
    #[error("the certificates in {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: pem::Error,
    },
    /// It holds no certificate of an authority.
    #[error("{} holds no certificate of an authority", .0.display())]
    Empty(PathBuf),
}

impl Roots {
    /// Those that are built in, and those of the operator: in this file, or else in the one that the
    /// variable `SSL_CERT_FILE` names. A base image may name one that is not there: then it is not
    /// used, and a warning says so.
    ///
    /// # Errors
    /// [`RootsError`] for a file that was asked for.
    pub fn of_operator(ca_file: Option<&Path>) -> Result<Self, RootsError> {
        if let Some(path) = ca_file {
            return Self::with_file(path);
        }
        let named = std::env::var_os("SSL_CERT_FILE").filter(|value| !value.is_empty());
        let Some(path) = named.map(PathBuf::from) else { return Ok(Self::default()) };
        Ok(Self::with_file(&path).unwrap_or_else(|error| {
            warn!(%error, "the certificates of SSL_CERT_FILE are not used");
            Self::default()
        }))
    }

    /// Those that are built in, and those in a PEM file.
    ///
    /// # Errors
    /// [`RootsError`]
    pub fn with_file(path: &Path) -> Result<Self, RootsError> {
        let unreadable = |reason| RootsError::Unreadable { path: path.to_owned(), reason };
        let found = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
        let found = found.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        let mut roots = built_in();
        let (n_added, _) = roots.add_parsable_certificates(found);
        let tls = tls_with(roots).ok().filter(|_| n_added > 0);
        tls.map(|tls| Self(Some(tls))).ok_or_else(|| RootsError::Empty(path.to_owned()))
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        static BUILT_IN: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
        match &self.0 {
            Some(tls) => Ok(Arc::clone(tls)),
            None => BUILT_IN.get_or_init(|| tls_with(built_in())).clone(),
        }
    }
}

fn built_in() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn tls_with(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// Connects. The caller sets the deadline.
///
/// # Errors
/// [`CallError::Busy`] for a server that takes no connection now, [`CallError::Mismatch`] for one
/// that never will, else [`CallError::Connect`].
pub(super) async fn connect(endpoint: &Endpoint, roots: &Roots) -> Result<Socket, CallError> {
    let failed = |reason: String| CallError::Connect { reason };
    let stream = TcpStream::connect((endpoint.host(), endpoint.port())).await;
    let stream = stream.map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .max_write_buffer_size(MAX_UNSENT_BYTES);
    let tls = Some(Connector::Rustls(roots.tls().map_err(failed)?));
    let opened =
        client_async_tls_with_config(endpoint.to_string(), stream, Some(limits), tls).await;
    opened.map(|(socket, _)| socket).map_err(|error| refused(endpoint, &error))
}

/// What a failed handshake means, with the remedy where the error alone does not show it.
fn refused(endpoint: &Endpoint, error: &WsError) -> CallError {
    if let WsError::Http(reply) = error
        && BUSY.contains(&reply.status().as_u16())
    {
        return CallError::Busy { status: reply.status().as_u16() };
    }
    let address = format!("{}:{}", shown_host(endpoint), endpoint.port());
    let plain = || format!("{error}; the port speaks plain ws: try ws://{address}");
    let reason = match (endpoint.is_encrypted(), error) {
        (true, WsError::Io(io)) => match tls_error(io) {
            Some(TlsError::InvalidCertificate(reason)) => untrusted(reason),
            Some(TlsError::InvalidMessage(_)) => plain(),
            // Or a proxy whose node is not up yet: it may pass.
            _ if io.kind() == io::ErrorKind::UnexpectedEof => {
                return CallError::Connect { reason: plain() };
            }
            _ => return CallError::Connect { reason: error.to_string() },
        },
        (false, WsError::Protocol(ProtocolError::HandshakeIncomplete)) => {
            return CallError::Connect { reason: error.to_string() };
        }
        (false, WsError::Protocol(_) | WsError::HttpFormat(_)) => {
            format!("{error}; the port speaks no plain ws: try wss://{address}")
        }
        _ => return CallError::Connect { reason: error.to_string() },
    };
    CallError::Mismatch { reason }
}

fn untrusted(reason: &CertificateError) -> String {
    let hint = match reason {
        CertificateError::UnknownIssuer => {
            ": name the file of its authority with --subtensor.ca_file"
        }
        _ => "",
    };
    format!("its certificate is not trusted ({reason}){hint}")
}

fn tls_error(error: &io::Error) -> Option<&TlsError> {
    let inner: &(dyn error::Error + 'static) = error.get_ref()?;
    inner.downcast_ref()
}

fn shown_host(endpoint: &Endpoint) -> String {
    let host = endpoint.host();
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}
