//! The members of a key file in every form in which they are met.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::{Zeroize, Zeroizing};

use super::{KeyfileError, SR25519};

/// `cryptoType` of ed25519.
const ED25519: u64 = 0;
/// Longest name of a kind that is repeated in an error.
const MAX_KIND_BYTES: usize = 24;

/// One member: a text, a number, a list of bytes as hex, or something else. Has no `Debug`, because
/// it may be a secret.
#[derive(Default, Zeroize)]
pub(super) enum Member {
    /// It is absent, null or of a type that says nothing.
    #[default]
    Absent,
    Text(String),
    Number(f64),
    /// It is an object; only whether there is one is known.
    Object,
}

impl Member {
    /// The text, or the hex of a list of bytes.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the member is there at all.
    pub(super) fn is_some(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyForm)
    }
}

struct AnyForm;

impl<'de> Visitor<'de> for AnyForm {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Member, E> {
        Ok(Member::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Member, E> {
        Ok(Member::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Member, E> {
        Ok(Member::Number(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member::Absent)
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Member, A::Error> {
        let (mut bytes, mut are_bytes) = (Zeroizing::new(Vec::new()), true);
        while let Some(item) = items.next_element::<Member>()? {
            match item {
                Member::Number(number) if (0.0..=255.0).contains(&number) => {
                    bytes.push(number as u8)
                }
                _ => are_bytes = false,
            }
        }
        Ok(if are_bytes { Member::Text(hex::encode(&*bytes)) } else { Member::Absent })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Member, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Object)
    }
}

/// The kind of a key, as `cryptoType` states it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// sr25519, or nothing that names another kind.
    Sr25519,
    /// Another number.
    Number(u64),
    /// Another name.
    Name(String),
}

impl Kind {
    /// Reads the member. The official wallets read it only as a whole number that is not negative,
    /// and take anything else for sr25519.
    pub(super) fn of(member: &Member) -> Self {
        let number = match member {
            Member::Number(number) => Some(*number),
            Member::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        match (number, member) {
            (Some(number), _) if number < 0.0 || number.fract() != 0.0 => Self::Sr25519,
            (Some(number), _) if number == SR25519 as f64 => Self::Sr25519,
            (Some(number), _) => Self::Number(number as u64),
            (None, Member::Text(name)) => Self::named(name.trim()),
            (None, _) => Self::Sr25519,
        }
    }

    fn named(name: &str) -> Self {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_kind = !name.is_empty() && name.len() <= MAX_KIND_BYTES && name.chars().all(is_name);
        match name.eq_ignore_ascii_case("sr25519") || !is_kind {
            true => Self::Sr25519,
            false => Self::Name(name.to_owned()),
        }
    }

    /// Whether the kind is stated as a number, which both official wallets heed.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Refuses every kind but sr25519.
    pub(super) fn check(&self) -> Result<(), KeyfileError> {
        match self {
            Self::Sr25519 => Ok(()),
            Self::Number(ED25519) => Err(KeyfileError::NotSr25519),
            Self::Number(number) => Err(KeyfileError::UnknownKind(number.to_string())),
            Self::Name(name) if name.eq_ignore_ascii_case("ed25519") => {
                Err(KeyfileError::NotSr25519)
            }
            Self::Name(name) => Err(KeyfileError::UnknownKind(name.clone())),
        }
    }
}
