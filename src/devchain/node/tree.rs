//! A value with field names, before it is encoded as a type of the metadata.

use crate::chain::AxonInfo;
use crate::wallet::AccountId;

/// A value to encode. Names must be the metadata's; fields that a record lacks take the type's
/// default (0, empty, `None`), and fields that the type lacks are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    /// The default of the type.
    Default,
    /// A boolean value.
    Bool(bool),
    /// An unsigned number of any width, compact or not.
    Uint(u128),
    /// A signed number of any width.
    Int(i128),
    /// A list or an array of numbers below 256, or a text in UTF-8.
    Bytes(Vec<u8>),
    /// A list, an array, a tuple, or fields without names.
    List(Vec<Tree>),
    /// Fields with their names.
    Record(Vec<(&'static str, Tree)>),
    /// A variant by name, and its content: the value itself if it has a single field without a
    /// name.
    Case(&'static str, Box<Tree>),
}

impl Tree {
    /// A variant without fields, or with the defaults of its fields.
    pub(super) fn case(name: &'static str) -> Self {
        Self::Case(name, Box::new(Self::Default))
    }

    /// `Some` of a value, even if the value is the type's default.
    pub(super) fn some(value: impl Into<Self>) -> Self {
        Self::Case("Some", Box::new(value.into()))
    }

    /// A list with one value for each item.
    pub(super) fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// The field called `name`, if this is a record that has it.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Record(fields) = self else { return None };
        fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

macro_rules! from_numbers {
    ($($number:ty)*) => {$(
        impl From<$number> for Tree {
            fn from(value: $number) -> Self {
                Self::Uint(value.into())
            }
        }
    )*};
}
from_numbers!(u8 u16 u32 u64 u128);

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<AccountId> for Tree {
    fn from(account: AccountId) -> Self {
        Self::Bytes(account.0.to_vec())
    }
}

impl From<[u8; 32]> for Tree {
    fn from(bytes: [u8; 32]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&[u8]> for Tree {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Tree {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Default, Self::some)
    }
}

impl<A: Into<Self>, B: Into<Self>> From<(A, B)> for Tree {
    fn from((first, second): (A, B)) -> Self {
        Self::List(vec![first.into(), second.into()])
    }
}

impl From<&AxonInfo> for Tree {
    fn from(axon: &AxonInfo) -> Self {
        Self::Record(vec![
            ("block", axon.block.into()),
            ("version", axon.version.into()),
            ("ip", axon.ip.into()),
            ("port", axon.port.into()),
            ("ip_type", axon.ip_type.into()),
            ("protocol", axon.protocol.into()),
            ("placeholder1", axon.placeholder1.into()),
            ("placeholder2", axon.placeholder2.into()),
        ])
    }
}
