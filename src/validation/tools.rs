//! Tools: where the contexts of tasks come from (docs/spec/mechanism.md#contexts).
//!
//! Each [`Tool`] has a file in this folder and a line in [`TOOLS`]. It draws from [`Sources`],
//! which the caller provides: a tool opens and fetches nothing, so a draw can be repeated from its
//! seed and a pass never waits for another site. A tool for contexts from the network says in its
//! file what to fetch and how to parse it; the caller fetches before the draws and puts the result
//! into the sources, in place of the embedded material.

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

/// A method of drawing contexts.
pub trait Tool: fmt::Debug + Send + Sync {
    /// The name in the mechanism and of the tool's file.
    fn name(&self) -> &'static str;

    /// Draws a context. The same sources and the same random numbers give the same context.
    ///
    /// # Errors
    /// The sources hold nothing to draw. Another draw may succeed.
    fn draw(&self, sources: &Sources, rng: &mut dyn RngCore) -> Result<Context, ToolError>;
}

/// The material that tools draw from.
#[derive(Debug)]
pub struct Sources {
    /// Articles with sections.
    pub articles: Corpus,
}

impl Sources {
    /// The material that is embedded in the node. Parses all of it: call once and keep the result.
    pub fn embedded() -> Self {
        Self { articles: Corpus::embedded() }
    }
}

/// Why a tool gave no context.
#[derive(Debug, thiserror::Error)]
#[error("drew no context with the tool `{tool}`: {source}")]
pub struct ToolError {
    /// Name of the tool.
    pub tool: &'static str,
    /// The tool's own error.
    pub source: Box<dyn Error + Send + Sync>,
}

#[cfg(test)]
mod tests;
