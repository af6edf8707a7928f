//! How a value is read and written, the same from a flag, a variable and a file: everything is read
//! from words, so `debug = true`, `debug = "True"`, `SN1_LOGGING__DEBUG=1` and `--logging.debug` are
//! one and the same.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use sn1::synapse::proxy::{IpNetwork, NotANetwork};
use sn1::validation::tasks::{TaskKind, UnknownTask};
use sn1::wallet::AccountId;

use crate::port::Port;

/// How a value is written in a file, and what its flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// True or false; the flag may stand alone.
    Switch,
    /// A bare number.
    Number,
    /// A quoted text.
    Text,
    /// A list of quoted texts; one word or a comma list elsewhere.
    Texts,
    /// A list of bare numbers.
    Numbers,
}

impl Shape {
    /// Whether several values may follow the flag.
    pub fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::Numbers)
    }
}

/// What was given for a setting: one word, or several of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    words: Vec<String>,
    is_array: bool,
}

impl Given {
    /// What follows a flag, or stands in a variable or as a plain value in a file.
    pub fn word(text: impl Into<String>) -> Self {
        Self { words: vec![text.into()], is_array: false }
    }

    /// Several words that follow a flag, each of them perhaps a comma list; or an array in a file, whose
    /// elements are taken as they are.
    pub fn words(words: Vec<String>, is_array: bool) -> Self {
        Self { words, is_array }
    }

    /// The word, where there is only one.
    fn one(&self) -> Result<&str, String> {
        match &self.words[..] {
            [word] if !self.is_array => Ok(word),
            _ => Err("one value, not a list".to_owned()),
        }
    }

    /// The elements of a list: outside of an array commas separate them, and blanks do not count.
    fn elements(&self) -> Vec<&str> {
        if self.is_array {
            return self.words.iter().map(String::as_str).collect();
        }
        let all = self.words.iter().flat_map(|word| word.split(',')).map(str::trim);
        all.filter(|word| !word.is_empty()).collect()
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(","))
    }
}

/// A value of one word.
pub trait Scalar: Sized + Clone {
    /// [`Shape::Switch`], [`Shape::Number`] or [`Shape::Text`].
    const SHAPE: Shape;
    /// Its placeholder in the help.
    const PLACEHOLDER: &'static str;
    /// Whether a default gives way to what it finds: it is a comment in the shipped files, since what
    /// stands in a file was asked for.
    const GIVES_WAY: bool = false;

    /// Reads it.
    ///
    /// # Errors
    /// What it must be, such as `a whole number`.
    fn parse(text: &str) -> Result<Self, String>;

    /// As [`Scalar::parse`] reads it.
    fn text(&self) -> String;

    /// The same without its secrets, for people to look at.
    fn redacted(&self) -> String {
        self.text()
    }
}

/// What a setting holds: a scalar, a list of them, or perhaps none.
pub trait Value: Sized + Clone {
    /// The type of its elements.
    type Item: Scalar;
    /// How it is written.
    const SHAPE: Shape = <Self::Item as Scalar>::SHAPE;

    /// Reads it.
    ///
    /// # Errors
    /// What it must be.
    fn read(given: &Given) -> Result<Self, String>;

    /// Its elements: one of a scalar, none of nothing.
    fn items(&self) -> &[Self::Item];

    /// Its words as `text` gives them, one for each element; of nothing an empty one.
    fn words(&self, text: fn(&Self::Item) -> String) -> Vec<String> {
        match self.items() {
            [] if !Self::SHAPE.is_list() => vec![String::new()],
            items => items.iter().map(text).collect(),
        }
    }
}

impl<T: Scalar> Value for T {
    type Item = T;

    fn read(given: &Given) -> Result<Self, String> {
        T::parse(given.one()?)
    }

    fn items(&self) -> &[T] {
        std::slice::from_ref(self)
    }
}

impl<T: Scalar> Value for Vec<T> {
    type Item = T;
    const SHAPE: Shape = match T::SHAPE {
        Shape::Number => Shape::Numbers,
        _ => Shape::Texts,
    };

    fn read(given: &Given) -> Result<Self, String> {
        given.elements().into_iter().map(T::parse).collect()
    }

    fn items(&self) -> &[T] {
        self
    }
}

/// An empty text is none.
impl<T: Scalar> Value for Option<T> {
    type Item = T;

    fn read(given: &Given) -> Result<Self, String> {
        match given.one()? {
            "" => Ok(None),
            text => T::parse(text).map(Some),
        }
    }

    fn items(&self) -> &[T] {
        self.as_slice()
    }
}

/// Makes a scalar of a type: its shape, its placeholder in the help, how its text is read, and
/// how it is written where that is not by `Display`, and without its secrets where it may have some.
macro_rules! scalar {
    ($kind:ty, $shape:ident, $placeholder:literal, $parse:expr) => {
        scalar!($kind, $shape, $placeholder, $parse, ToString::to_string);
    };
    ($kind:ty, $shape:ident, $placeholder:literal, $parse:expr, $text:expr $(, $redacted:expr)?) => {
        impl $crate::settings::value::Scalar for $kind {
            const SHAPE: $crate::settings::value::Shape = $crate::settings::value::Shape::$shape;
            const PLACEHOLDER: &'static str = $placeholder;

            fn parse(text: &str) -> Result<Self, String> {
                $parse(text)
            }

            fn text(&self) -> String {
                $text(self)
            }

            $( fn redacted(&self) -> String {
                $redacted(self)
            } )?
        }
    };
}
pub(super) use scalar;

scalar!(bool, Switch, "BOOL", |text: &str| match text.trim().to_ascii_lowercase().as_str() {
    "true" | "1" => Ok(true),
    "false" | "0" => Ok(false),
    _ => Err("true or false".to_owned()),
});

/// A port that is read is one that was asked for.
impl Scalar for Port {
    const SHAPE: Shape = Shape::Number;
    const PLACEHOLDER: &'static str = "N";
    const GIVES_WAY: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        u16::parse(text).map(Self::asked_for)
    }

    fn text(&self) -> String {
        self.number().to_string()
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => { $(
        scalar!($number, Number, "N", |text: &str| {
            text.trim().parse().map_err(|_| match text.trim().parse::<u128>() {
                Ok(_) => format!("at most {}", Self::MAX),
                Err(_) => "a whole number".to_owned(),
            })
        });
    )* };
}
whole_numbers!(u16, u32, u64, usize);

scalar!(f64, Number, "NUMBER", |text: &str| {
    let number = text.trim().parse().ok().filter(|number: &Self| number.is_finite());
    number.ok_or_else(|| "a number".to_owned())
});

// A text is taken as it is: `007` stays `007`.
scalar!(String, Text, "TEXT", |text: &str| Ok(text.to_owned()));

// In brackets or not: the official SDK writes `[::]`.
scalar!(IpAddr, Text, "IP", |text: &str| {
    let address = text.trim().trim_matches(['[', ']']).parse();
    address.map_err(|_| "an IP address".to_owned())
});

scalar!(IpNetwork, Text, "NETWORK", |text: &str| {
    text.parse().map_err(|error: NotANetwork| error.to_string())
});

scalar!(AccountId, Text, "SS58", |text: &str| {
    Self::from_str(text.trim()).map_err(|error| format!("an SS58 address ({error})"))
});

scalar!(
    TaskKind,
    Text,
    "TASKS",
    |text: &str| {
        let name = text.trim().to_ascii_lowercase();
        name.parse().map_err(|error: UnknownTask| format!("a list of tasks ({error})"))
    },
    |kind: &Self| kind.definition().name.to_owned()
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_read_in_any_case() {
        for (text, value) in [("True", true), ("1", true), ("FALSE", false), ("0", false)] {
            assert_eq!(bool::parse(text), Ok(value), "{text}");
        }
        assert_eq!(bool::parse("perhaps"), Err("true or false".to_owned()));
    }

    #[test]
    fn a_list_is_one_word_a_comma_list_several_words_or_an_array() {
        let read = |given: Given| Vec::<String>::read(&given).unwrap();
        assert_eq!(read(Given::word("a")), ["a"]);
        assert_eq!(read(Given::word("a, b,")), ["a", "b"]);
        let words = |is_array| Given::words(vec!["a".into(), "b,c".into()], is_array);
        assert_eq!(read(words(false)), ["a", "b", "c"]);
        assert_eq!(read(words(true)), ["a", "b,c"]);
        assert!(read(Given::word("")).is_empty());
    }

    #[test]
    fn one_value_is_no_list_and_a_text_stays_what_it_is() {
        let two = Given::words(vec!["1".into(), "2".into()], false);
        assert!(u16::read(&two).is_err());
        assert_eq!(String::read(&Given::word("007")).unwrap(), "007");
        assert_eq!(u16::parse("70000"), Err("at most 65535".to_owned()));
        assert_eq!(u16::parse("-1"), Err("a whole number".to_owned()));
        assert!(f64::parse("nan").is_err());
        assert_eq!(Option::<IpAddr>::read(&Given::word("")), Ok(None));
        assert_eq!(IpAddr::parse("[::]"), Ok("::".parse().unwrap()));
    }
}
