//! Opens a websocket to a node, encrypted where its address says so. Certificates are checked
//! against the roots that are built in, so that no file of the machine is needed.

use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::Endpoint;

/// The largest message that a node may send: many times mainnet's largest answer.
const MAX_MESSAGE_BYTES: usize = 32 << 20;
/// Written at most until a node reads again: requests are small.
const MAX_UNSENT_BYTES: usize = 4 << 20;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects. The caller sets the deadline.
///
/// # Errors
/// Why not, in words.
pub(super) async fn connect(endpoint: &Endpoint) -> Result<Socket, String> {
    let stream = TcpStream::connect((endpoint.host(), endpoint.port())).await;
    let stream = stream.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .max_write_buffer_size(MAX_UNSENT_BYTES);
    let tls = Some(Connector::Rustls(tls()?));
    let opened =
        client_async_tls_with_config(endpoint.to_string(), stream, Some(limits), tls).await;
    opened.map(|(socket, _)| socket).map_err(|error| error.to_string())
}

fn tls() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    CONFIG.get_or_init(build_tls).clone()
}

fn build_tls() -> Result<Arc<ClientConfig>, String> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
