//! Devices that a model may compute on.

use std::fmt;
use std::str::FromStr;

use crate::settings::value::scalar;

/// A device. Whether this build and this machine have it is found at the start of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// `cpu`
    Cpu,
    /// `cuda:N`; `cuda` is the first one.
    Cuda(u16),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "cpu or cuda, cuda:1 and so on".to_owned();
        match text.trim().to_ascii_lowercase().as_str() {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            other => {
                let number = other.strip_prefix("cuda:").ok_or_else(wrong)?;
                number.parse().map(Self::Cuda).map_err(|_| wrong())
            }
        }
    }
}

scalar!(Device, Text, "DEVICE", str::parse);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_a_kind_and_perhaps_a_number() {
        for (text, device) in
            [("cpu", Device::Cpu), ("CUDA", Device::Cuda(0)), ("cuda:1", Device::Cuda(1))]
        {
            assert_eq!(text.parse(), Ok(device), "{text}");
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        for text in ["", "gpu", "cuda:", "cuda:x", "cuda1", "cpu:0"] {
            assert!(text.parse::<Device>().is_err(), "{text}");
        }
    }
}
