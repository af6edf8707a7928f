//! The node behind the methods.

use super::RpcError;
use crate::chain::{Hash, Head};
use crate::devchain::node::DevNode;

/// The node as it is asked. Who serves one may hold its finality back and refuse transactions.
pub trait Served {
    /// The node itself.
    fn node(&self) -> &DevNode;

    /// The newest final block that clients may know of.
    fn finalized(&self) -> Head;

    /// Puts a transaction into the pool.
    ///
    /// # Errors
    /// What [`DevNode::submit`] says, or the server.
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
