//! Serialises lists of byte strings as lists of hex texts.

use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(list: &[Vec<u8>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(list.iter().map(hex::encode))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let list = texts.iter().map(hex::decode).collect::<Result<_, _>>();
    list.map_err(serde::de::Error::custom)
}
