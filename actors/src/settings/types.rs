//! Types of settings that cannot be wrong: whoever holds one need not check it.

mod device;
mod endpoint;
mod path;
mod share;
mod tao;
mod time;

pub use device::Device;
pub use endpoint::{Endpoint, NamedNetwork, Network};
pub use path::{FilePath, ModelName};
pub use share::Share;
pub use tao::Tao;
pub use time::parse_duration;
