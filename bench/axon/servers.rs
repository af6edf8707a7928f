//! The servers that are compared, all with the same handler: the last message in four chunks, each
//! sent by itself after other tasks had their turn, like a model's tokens.
//!
//! The floor answers every caller. It reads the body for the message and checks one signature, as
//! any axon must; it compares no hash, keeps no nonces and knows no callers.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use sn1::synapse::body::Prompt;
use sn1::synapse::sign::request_text;
use sn1::wallet::{AccountId, parse_signature};
use sn1_actors::axon::{Answering, AxonLimits, AxonSettings, ChunkSink, Miner, StandaloneAxon};
use sn1_actors::telemetry;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::Fallible;
use crate::callers::{CHUNKS, key, pieces};
use crate::child::wait_for_dismissal;
use crate::load::HOTKEYS;

/// A server in this program.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// This project's axon.
    Axon,
    /// actix-web alone; the answer is a stream within the handler, the cheapest way.
    Floor,
    /// actix-web alone; a task writes the answer through a channel, as miners do.
    FloorTask,
}

/// Serves on a free port, which it prints, until its input closes.
pub(crate) fn serve(kind: Kind, n_threads: usize) -> Fallible<()> {
    match kind {
        Kind::Axon => serve_axon(n_threads),
        Kind::Floor | Kind::FloorTask => serve_floor(kind, n_threads),
    }
}

fn say_port(address: SocketAddr) -> Fallible<()> {
    Ok(writeln!(std::io::stdout(), r#"{{"port":{}}}"#, address.port())?)
}

/// The default limits, except where a single load generator would reach one that is meant for many
/// callers.
fn serve_axon(n_threads: usize) -> Fallible<()> {
    // A node records metrics, so the bench does too.
    telemetry::install()?;
    let settings = AxonSettings {
        n_threads,
        limits: AxonLimits {
            max_connections_per_address: 1024,
            address_requests_per_second: 1e9,
            address_burst: 1e9,
            hotkey_requests_per_second: 1e9,
            hotkey_burst: 1e9,
            max_streams_per_hotkey: 1024,
            max_streams: 1024,
            ..AxonLimits::default()
        },
        ..AxonSettings::new("axon", key("axon")?)
    };
    let callers = (0..HOTKEYS).map(|n| Ok((key(&format!("caller//{n}"))?.account_id(), 1e3)));
    let callers: Vec<_> = callers.collect::<Fallible<_>>()?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let axon = StandaloneAxon::start(listen, settings, &callers, Arc::new(EchoInPieces))?;
    say_port(axon.address())?;
    Ok(wait_for_dismissal()?)
}

/// The handler, as a miner.
struct EchoInPieces;

impl Miner for EchoInPieces {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            for piece in pieces(prompt.messages.last().map_or("", String::as_str)) {
                tokio::task::yield_now().await;
                sink.send(piece).await?;
            }
            Ok(())
        })
    }
}

fn serve_floor(kind: Kind, n_threads: usize) -> Fallible<()> {
    let own = Own { hotkey: key("axon")?.account_id().to_ss58(), kind };
    let app =
        move || App::new().app_data(web::Data::new(own.clone())).default_service(web::to(answer));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    say_port(listener.local_addr()?)?;
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(app).workers(n_threads).tcp_nodelay(true).disable_signals();
        let server = server.listen(listener)?.run();
        let handle = server.handle();
        std::thread::spawn(move || {
            let dismissal = wait_for_dismissal();
            // The call itself sends the command; the future only waits for the end.
            drop(handle.stop(false));
            dismissal
        });
        Ok(server.await?)
    })
}

#[derive(Clone)]
struct Own {
    hotkey: String,
    kind: Kind,
}

#[derive(Deserialize)]
struct Asked {
    messages: Vec<String>,
}

async fn answer(request: HttpRequest, body: Bytes, own: web::Data<Own>) -> HttpResponse {
    if !is_signed(&request, &own.hotkey) {
        return HttpResponse::Unauthorized().finish();
    }
    let Ok(asked) = serde_json::from_slice::<Asked>(&body) else {
        return HttpResponse::UnprocessableEntity().finish();
    };
    let pieces = pieces(asked.messages.last().map_or("", String::as_str));
    let mut response = HttpResponse::Ok();
    response.insert_header(("content-type", "text/event-stream"));
    response.insert_header(("bt_header_axon_status_code", "200"));
    response.insert_header(("bt_header_axon_status_message", "Success"));
    match own.kind {
        Kind::FloorTask => response.streaming(written_by_a_task(pieces)),
        _ => response.streaming(stream::iter(pieces).then(|piece| async {
            tokio::task::yield_now().await;
            Ok::<_, std::io::Error>(Bytes::from(piece))
        })),
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's tasks need no name")]
fn written_by_a_task(pieces: Vec<String>) -> ReceiverStream<Result<Bytes, std::io::Error>> {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    actix_web::rt::spawn(async move {
        for piece in pieces {
            tokio::task::yield_now().await;
            if sender.send(Ok(Bytes::from(piece))).await.is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(chunks)
}

/// The only check of the floor.
fn is_signed(request: &HttpRequest, own_hotkey: &str) -> bool {
    let field = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let check = || {
        let hotkey = field("bt_header_dendrite_hotkey")?;
        let text = request_text(
            field("bt_header_dendrite_nonce")?.parse().ok(),
            hotkey,
            own_hotkey,
            field("bt_header_dendrite_uuid"),
            field("computed_body_hash"),
        );
        let signature = parse_signature(field("bt_header_dendrite_signature")?).ok()?;
        let (account, _) = AccountId::from_ss58_any_prefix(hotkey).ok()?;
        account.verify(text.as_bytes(), &signature).ok()
    };
    check().is_some()
}
