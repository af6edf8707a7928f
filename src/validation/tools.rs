//! Tools: where the contexts of tasks come from (docs/spec/mechanism.md#contexts).
//!
//! A [`Tool`] is a file of this folder and a line of [`TOOLS`]. It draws from [`Sources`], which the
//! caller has at hand: a tool opens nothing and fetches nothing, so a draw repeats from its seed and a
//! pass never waits for a foreign site. Where contexts are to come over the network, the tool's file
//! says what to fetch and how to read it; the caller fetches ahead of the draws and puts what was read
//! into the sources, in the place of what comes with the node.

mod context;
pub mod corpus;
pub mod math;
pub mod wiki;

use std::error::Error;
use std::fmt;

use rand::RngCore;

pub use self::context::{Context, Stats, kept_categories, ranked_links};
use self::corpus::Corpus;

/// Every tool, one line each.
pub const TOOLS: &[&dyn Tool] = &[&wiki::Wiki, &math::ProblemGenerator];

/// A way to come by contexts.
pub trait Tool: fmt::Debug + Send + Sync {
    /// The name that the mechanism, and the file of the tool, carry.
    fn name(&self) -> &'static str;

    /// Draws a context. The same sources and the same draws give the same one.
    ///
    /// # Errors
    /// When the sources hold nothing to draw. Drawing again may succeed.
    fn draw(&self, sources: &Sources, rng: &mut dyn RngCore) -> Result<Context, ToolError>;
}

/// What tools draw from.
#[derive(Debug)]
pub struct Sources {
    /// Articles with sections.
    pub articles: Corpus,
}

impl Sources {
    /// What comes with the node. Parses all of it: call once and keep the result.
    pub fn embedded() -> Self {
        Self { articles: Corpus::embedded() }
    }
}

/// Why a tool gave no context.
#[derive(Debug, thiserror::Error)]
#[error("drew no context with the tool `{tool}`: {source}")]
pub struct ToolError {
    /// The tool.
    pub tool: &'static str,
    /// Why.
    pub source: Box<dyn Error + Send + Sync>,
}

#[cfg(test)]
mod tests;
