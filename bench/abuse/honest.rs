//! The honest validator: asks ten times a second, whatever became of earlier questions, and reports
//! the outcome of each at the end.
//!
//! Every second question uses a new connection, the others a kept one, as a validator's do. No
//! question is repeated: a kept connection that breaks counts against the axon.

use std::cell::RefCell;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::LocalSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::Fallible;
use crate::callers::{Caller, QUESTION, unix_ns};
use crate::http::{Connection, Reply, frame};

/// The time between two questions.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// The timeout that validators use.
const WITHIN: Duration = Duration::from_secs(12);

/// Whom to ask, and for how long.
#[derive(clap::Args)]
pub(crate) struct Honest {
    /// The address of the server.
    #[arg(long)]
    to: SocketAddr,
    /// How long to ask, in seconds.
    #[arg(long)]
    seconds: f64,
}

/// The outcome of one question.
#[derive(Serialize, Deserialize)]
pub(crate) struct Asked {
    /// When it was asked, in Unix nanoseconds.
    pub(crate) at_unix_ns: u64,
    /// Milliseconds until the end of the answer was read.
    pub(crate) ms: f64,
    /// `None` when it was answered with 200 and the whole text.
    pub(crate) trouble: Option<String>,
}

struct Validator {
    to: SocketAddr,
    kept: RefCell<Vec<Connection>>,
    // Each question has a caller of its own, because concurrent questions may overtake each other.
    callers: RefCell<Vec<Caller>>,
}

/// Asks until the time is over, then prints the outcomes as a list.
pub(crate) fn run(honest: &Honest) -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, ask_on(honest))
}

async fn ask_on(honest: &Honest) -> Fallible<()> {
    let validator =
        Rc::new(Validator { to: honest.to, kept: RefCell::default(), callers: RefCell::default() });
    let mut pace = interval(ASK_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let n_questions = (honest.seconds / ASK_EVERY.as_secs_f64()) as usize;
    let mut open = Vec::new();
    for question in 0..n_questions {
        pace.tick().await;
        let validator = Rc::clone(&validator);
        let ask = async move { validator.ask(question % 2 == 0).await };
        open.push(tokio::task::spawn_local(ask));
    }
    let mut all = Vec::new();
    for question in open {
        all.push(question.await??);
    }
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string(&all)?)?)
}

impl Validator {
    async fn ask(&self, on_new_connection: bool) -> Fallible<Asked> {
        let caller = self.callers.borrow_mut().pop();
        let caller = caller.map_or_else(|| Caller::new("honest", self.to), Ok)?;
        let at_unix_ns = unix_ns()?;
        let began = Instant::now();
        let outcome = timeout(WITHIN, self.exchange(&caller, on_new_connection)).await;
        let ms = began.elapsed().as_secs_f64() * 1e3;
        self.callers.borrow_mut().push(caller);
        let trouble = match outcome {
            Err(_) => Some("no answer in time".to_owned()),
            Ok(Err(error)) => Some(error.to_string()),
            Ok(Ok(reply)) if reply.status != 200 => {
                Some(format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)))
            }
            Ok(Ok(reply)) => {
                (reply.body != QUESTION.as_bytes()).then(|| "an incomplete answer".to_owned())
            }
        };
        Ok(Asked { at_unix_ns, ms, trouble })
    }

    async fn exchange(&self, caller: &Caller, on_new_connection: bool) -> Fallible<Reply> {
        let kept = if on_new_connection { None } else { self.kept.borrow_mut().pop() };
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(Ipv4Addr::LOCALHOST, self.to).await?,
        };
        let request = frame(&caller.ask(QUESTION)?, self.to);
        let reply = connection.exchange(&request).await?;
        Ok(self.keep(connection, reply))
    }

    fn keep(&self, connection: Connection, reply: Reply) -> Reply {
        let mut kept = self.kept.borrow_mut();
        if reply.stays_open && kept.is_empty() {
            kept.push(connection);
        }
        reply
    }
}
