//! The wire between validators and miners: one HTTP request and one streamed reply per query
//! (docs/spec/wire.md).
//!
//! This module owns bytes and decisions: what a request must say, how it is answered, and what a
//! reply means. It owns no socket and no clock; the caller passes times in Unix nanoseconds. It
//! speaks with peers of SDK 7.x and 10.x and refuses what neither would send.
//!
//! | module | holds |
//! |---|---|
//! | [`repr`], [`python`] | Python text forms that the wire depends on |
//! | [`body`] | body hash, request body, typed body parser |
//! | [`headers`] | request and reply headers, both ways |
//! | [`sign`] | signed texts, nonces, and the request a dendrite sends |
//! | [`verify`] | nonce rules and signatures on the axon's side |
//! | [`clock`] | how far our clock is off, and the window for nonces with it |
//! | [`pipeline`] | from request head to admission or refusal |
//! | [`budgets`], [`limits`] | how much callers may ask, and whose budget pays |
//! | [`malformed`] | what is wrong with bytes that are no request |
//! | [`proxy`] | whom a trusted proxy speaks for |
//! | [`coding`] | packed bodies |
//! | [`reply`] | heads and framed bodies of replies, as they arrive |
//! | [`stream`] | UTF-8 in pieces |
//! | [`outcome`] | what a dendrite makes of an exchange |

pub mod body;
pub mod budgets;
pub mod clock;
pub mod coding;
pub mod headers;
pub mod limits;
pub mod malformed;
pub mod outcome;
pub mod pipeline;
pub mod proxy;
pub mod python;
pub mod reply;
pub mod repr;
pub mod sign;
pub mod stream;
#[cfg(test)]
mod vectors;
pub mod verify;

/// Name of the synapse that asks for a streamed completion.
pub const PROMPT_NAME: &str = "StreamPromptingSynapse";
/// URL path of [`PROMPT_NAME`]. Case-sensitive.
pub const PROMPT_PATH: &str = "/StreamPromptingSynapse";
/// Name of the ping that every axon serves.
pub const PING_NAME: &str = "Synapse";
/// URL path of [`PING_NAME`]. Case-sensitive.
pub const PING_PATH: &str = "/Synapse";
/// The version number that this node states: it follows the rules of SDK 10.5.0.
pub const SDK_VERSION: u32 = 10_005_000;
/// From this version number on, a nonce is Unix time and must lie within a window.
pub const FIRST_UNIX_NONCE_VERSION: i128 = 7_002_000;
/// The timeout that the SDKs assume if a request states none, in seconds.
pub const DEFAULT_TIMEOUT_S: f64 = 12.0;

/// Which of the two known sets of rules a peer follows, decided by the version number it states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// Before 7.2.0, or no version stated: monotonic nonces, replies as 7.1.1 gives them.
    Legacy,
    /// 7.2.0 and later: Unix nonces, replies as 10.5.0 gives them.
    Modern,
}

impl Generation {
    /// The generation that a stated version number belongs to.
    pub fn of(version: Option<i128>) -> Self {
        match version {
            Some(FIRST_UNIX_NONCE_VERSION..) => Self::Modern,
            _ => Self::Legacy,
        }
    }
}

/// What the path of a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Generate text and stream it.
    Prompt,
    /// Return the synapse as JSON.
    Ping,
}

impl Endpoint {
    /// The endpoint with this synapse name, compared case-sensitively.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            PROMPT_NAME => Some(Self::Prompt),
            PING_NAME => Some(Self::Ping),
            _ => None,
        }
    }

    /// The synapse name, which is also the first segment of the path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => PROMPT_NAME,
            Self::Ping => PING_NAME,
        }
    }
}
