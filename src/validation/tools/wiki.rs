//! `wiki`: a section of an article (docs/spec/mechanism.md#wiki).

use rand::RngCore;

use super::{Context, Sources, Tool, ToolError};

/// The tool `wiki`.
#[derive(Debug)]
pub struct Wiki;

impl Tool for Wiki {
    fn name(&self) -> &'static str {
        "wiki"
    }

    fn draw(&self, sources: &Sources, rng: &mut dyn RngCore) -> Result<Context, ToolError> {
        let drawn = sources.articles.draw(rng);
        drawn.map_err(|error| ToolError { tool: self.name(), source: error.into() })
    }
}
