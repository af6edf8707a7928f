//! A TCP peer that follows a script, whether or not it is valid HTTP, and records what it receives.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a peer does next on a connection.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Reads one whole request.
    Read,
    /// Sends these bytes.
    Say(Vec<u8>),
    /// Is silent for this long.
    Pause(Duration),
    /// Is silent until [`Peer::say_it_was_read`]: a reset would discard what the other side has not
    /// read.
    UntilRead,
    /// Resets the connection.
    Reset,
    /// Is silent until the other side closes.
    Hold,
    /// Sends these bytes again and again, with pauses, until the other side closes.
    Repeat(Vec<u8>, Duration),
}

/// The steps on one connection; at the end the peer closes it.
pub(crate) type Script = Vec<Step>;

/// A step that sends text.
pub(crate) fn say(text: impl AsRef<[u8]>) -> Step {
    Step::Say(text.as_ref().to_vec())
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The index of its connection, in the order of acceptance.
    pub(crate) connection_idx: usize,
    /// The request line and the headers, one line each.
    pub(crate) head: Vec<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| {
            line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let line = self.head.iter().map(String::as_str).find(named)?;
        line.split_once(':').map(|(_, value)| value.trim())
    }

    /// The nonce in the head.
    pub(crate) fn nonce(&self) -> u64 {
        self.header("bt_header_dendrite_nonce").unwrap().parse().unwrap()
    }
}

/// A listening peer.
pub(crate) struct Peer {
    /// The address that it listens on.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

/// What a peer has received, and whether its text was read.
#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    was_read: AtomicBool,
}

impl Peer {
    /// Listens on the IPv4 loopback. The nth connection follows the nth script; more are closed.
    pub(crate) fn start(scripts: Vec<Script>) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), scripts)
    }

    /// Listens on this socket.
    pub(crate) fn listen(listener: TcpListener, scripts: Vec<Script>) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let of_peer = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut scripts = scripts.into_iter();
            for (connection_idx, stream) in listener.incoming().enumerate() {
                let (Ok(stream), shared) = (stream, Arc::clone(&of_peer)) else { break };
                let script = scripts.next().unwrap_or_default();
                std::thread::spawn(move || play(&stream, connection_idx, script, &shared));
            }
        });
        Self { address, shared }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Ends [`Step::UntilRead`].
    pub(crate) fn say_it_was_read(&self) {
        self.shared.was_read.store(true, Ordering::SeqCst);
    }
}

/// Follows the script until it ends or the other side has gone.
fn play(stream: &TcpStream, connection_idx: usize, script: Script, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    stream.set_nodelay(true).unwrap();
    for step in script {
        let done = match step {
            Step::Read => read_request(&mut reader, connection_idx)
                .map(|seen| shared.seen.lock().unwrap().push(seen)),
            Step::Say(bytes) => (&*stream).write_all(&bytes),
            Step::Pause(pause) => {
                std::thread::sleep(pause);
                Ok(())
            }
            Step::UntilRead => {
                while !shared.was_read.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(())
            }
            Step::Reset => return reset(stream),
            Step::Hold => std::io::copy(&mut reader, &mut std::io::sink()).map(drop),
            Step::Repeat(bytes, pause) => repeat(stream, &bytes, pause),
        };
        if done.is_err() {
            return;
        }
    }
}

/// Returns with an error, at the latest when the other side has gone.
fn repeat(mut stream: &TcpStream, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    loop {
        stream.write_all(bytes)?;
        std::thread::sleep(pause);
    }
}

/// Closes without lingering, which sends a reset.
fn reset(stream: &TcpStream) {
    let stream = tokio::runtime::Builder::new_current_thread().enable_io().build().map(|runtime| {
        runtime.block_on(async {
            stream.set_nonblocking(true)?;
            let stream = tokio::net::TcpStream::from_std(stream.try_clone()?)?;
            stream.set_zero_linger()
        })
    });
    stream.unwrap().unwrap();
}

fn read_request(reader: &mut impl BufRead, connection_idx: usize) -> std::io::Result<Seen> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            text => head.push(text.to_owned()),
        }
    }
    let mut seen = Seen { connection_idx, head, body: Vec::new() };
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    seen.body.resize(length, 0);
    reader.read_exact(&mut seen.body)?;
    Ok(seen)
}
