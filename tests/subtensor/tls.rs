//! Encrypted nodes: an authority of the operator's own, and ports that speak something else.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use sn1_actors::chain::subtensor::{CallError, Roots, RootsError, Subtensor, SubtensorSettings};
use tokio_tungstenite::tungstenite::{self, Message};

use super::node::{BLOCK, Data, Node};
use super::{deadlines, failures, query};

/// Of an authority that no browser knows, for localhost and 127.0.0.1, until 2120.
fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/tls")).join(name)
}

/// Serves recorded data over TLS, one connection after the other, for as long as the test runs.
fn encrypted_node() -> u16 {
    let chain = CertificateDer::pem_file_iter(file("server.pem")).unwrap();
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that does not trust it hangs up.
            let _ = serve(StreamOwned::new(connection, stream.unwrap()));
        }
    });
    port
}

fn serve(stream: impl std::io::Read + Write) -> Option<()> {
    let mut socket = tungstenite::accept(stream).ok()?;
    loop {
        let Message::Text(text) = socket.read().ok()? else { continue };
        let request: Value = serde_json::from_str(&text).unwrap();
        let method = request["method"].as_str().unwrap();
        let result = Data::mainnet().answer(method, &request["params"]);
        let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
        socket.send(Message::text(answer.to_string())).ok()?;
    }
}

fn client(url: &str, roots: Roots) -> Subtensor {
    let network = url.parse().unwrap();
    Subtensor::new(SubtensorSettings { network, deadlines: deadlines(), roots })
}

async fn refused(url: &str, roots: Roots) -> CallError {
    let errors = failures(client(url, roots).head().await.unwrap_err());
    errors.into_iter().next().unwrap()
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_it_is_named() {
    let url = format!("wss://localhost:{}", encrypted_node());
    let error = refused(&url, Roots::default()).await;
    assert!(!error.may_pass(), "waiting does not help: {error}");
    assert!(error.to_string().contains("--subtensor.ca_file"), "{error}");
    let own = || Roots::of_operator(Some(&file("authority.pem"))).unwrap();
    assert_eq!(client(&url, own()).head().await.unwrap().number, BLOCK);
    // The certificate is for other names than this one.
    let other = url.replace("localhost", "127.0.0.2");
    let error = refused(&other, own()).await;
    assert!(error.to_string().contains("its certificate is not trusted"), "{error}");
}

#[test]
fn a_file_without_an_authority_is_refused_by_its_name() {
    let error = Roots::with_file(&file("none.pem")).unwrap_err();
    assert!(matches!(error, RootsError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("none.pem"), "{error}");
    let error = Roots::with_file(&file("server.key")).unwrap_err();
    assert!(matches!(error, RootsError::Empty(_)), "{error}");
}

#[tokio::test]
async fn a_port_that_speaks_something_else_says_what_to_try() {
    let plain = Node::start(Data::mainnet(), None);
    let error = refused(&plain.url().replace("ws://", "wss://"), Roots::default()).await;
    let hint = format!("the port speaks plain ws: try {}", plain.url());
    assert!(error.to_string().contains(&hint), "{error}");
    let encrypted = format!("127.0.0.1:{}", encrypted_node());
    let error = refused(&format!("ws://{encrypted}"), Roots::default()).await;
    assert!(error.to_string().contains(&format!("try wss://{encrypted}")), "{error}");
    assert!(!error.may_pass());
}

/// A proxy takes the connection and drops it while its node is not up yet.
#[tokio::test]
async fn a_handshake_that_is_cut_off_may_pass() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // What was asked is read, so that the end is orderly.
            let _ = std::io::Read::read(&mut &stream, &mut [0; 4096]);
        }
    });
    for scheme in ["ws", "wss"] {
        let error = refused(&format!("{scheme}://{address}"), Roots::default()).await;
        assert!(error.may_pass(), "{scheme}: {error}");
    }
}

/// The variable that other programs read too.
#[test]
fn the_authorities_of_the_environment_are_trusted() {
    let url = format!("wss://localhost:{}", encrypted_node());
    let flags = ["--uids", "3", "--subtensor.chain_endpoint", &url, "--message", "hello"];
    let (_, _, err) = query(&flags);
    assert!(err.contains("is not trusted"), "{err}");
    let (_, _, err) = super::query_with(&flags, &[("SSL_CERT_FILE", file("authority.pem"))]);
    assert!(!err.contains("is not trusted"), "{err}");
}
