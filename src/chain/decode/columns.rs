//! One field of every neuron, as the chain's answers list them.

use super::value::Value;
use super::{DecodeError, Item, Runtime};
use crate::chain::AxonInfo;

/// An answer whose fields are looked up by name.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) runtime: &'a Runtime,
    /// Whose answer, for errors.
    pub(super) answer: &'a str,
    pub(super) value: &'a Value<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn name(&self, field: &str) -> String {
        format!("{}.{field}", self.answer)
    }

    /// A field that the runtime has and that was asked for; `None` where it lacks it.
    pub(super) fn find(&self, field: &str) -> Option<&'a Value<'a>> {
        self.value.field(field)?.some()
    }

    pub(super) fn get(&self, field: &str) -> Result<&'a Value<'a>, DecodeError> {
        self.find(field).ok_or_else(|| self.runtime.missing(Item::Field(self.name(field))))
    }

    pub(super) fn number<T: TryFrom<u128>>(&self, field: &str) -> Result<T, DecodeError> {
        self.get(field)?.number(&self.name(field))
    }

    pub(super) fn truth(&self, field: &str) -> Result<bool, DecodeError> {
        self.get(field)?.truth(&self.name(field))
    }

    /// A list with an entry for each of `n` neurons.
    pub(super) fn column<T>(
        &self,
        field: &str,
        n: Option<usize>,
        read: impl Fn(&Value<'_>, &str) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        column(self.get(field)?, &self.name(field), n, read)
    }
}

/// `value` as a list with an entry for each of `n` neurons. `name` is for the error.
pub(super) fn column<T>(
    value: &Value<'_>,
    name: &str,
    n: Option<usize>,
    read: impl Fn(&Value<'_>, &str) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let list = value.list(name)?;
    if let Some(wanted) = n.filter(|&wanted| wanted != list.len()) {
        return Err(DecodeError::Uneven { field: name.to_owned(), wanted, found: list.len() });
    }
    list.iter().map(|value| read(value, name)).collect()
}

/// An axon record. Fields that a newer runtime adds are not needed; the placeholders may go.
pub(super) fn axon(value: &Value<'_>, name: &str) -> Result<AxonInfo, DecodeError> {
    let wanted = DecodeError::Shape {
        field: name.to_owned(),
        wanted: "an axon record",
        found: "something else",
    };
    let field = |field: &str| value.field(field).ok_or_else(|| wanted.clone());
    let placeholder = |field: &str| value.field(field).map_or(Ok(0), |value| value.number(name));
    Ok(AxonInfo {
        block: field("block")?.number(name)?,
        version: field("version")?.number(name)?,
        ip: field("ip")?.number(name)?,
        port: field("port")?.number(name)?,
        ip_type: field("ip_type")?.number(name)?,
        protocol: field("protocol")?.number(name)?,
        placeholder1: placeholder("placeholder1")?,
        placeholder2: placeholder("placeholder2")?,
    })
}
