//! The node that the methods ask.

use super::RpcError;
use crate::chain::{Hash, Head};
use crate::devchain::node::DevNode;

/// A node as RPC clients see it. An implementation may hold finality back and refuse transactions.
pub trait Served {
    /// The underlying node.
    fn node(&self) -> &DevNode;

    /// The newest block that clients see as final.
    fn finalized(&self) -> Head;

    /// Adds a transaction to the pool and returns its hash.
    ///
    /// # Errors
    /// The errors of [`DevNode::submit`], or the implementation's own refusal.
    fn submit(&mut self, extrinsic: &[u8]) -> Result<Hash, RpcError>;
}

impl Served for DevNode {
    fn node(&self) -> &DevNode {
        self
    }

    fn finalized(&self) -> Head {
        self.finalized()
    }

    fn submit(&mut self, extrinsic: &[u8]) -> Result<Hash, RpcError> {
        Ok(self.submit(extrinsic)?)
    }
}
