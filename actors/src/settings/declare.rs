//! The one declaration of each setting, from which its flag, its variable, its line in the shipped
//! file, its help and its check come.
//!
//! [`section!`] makes a struct of settings and [`sections!`] a struct of such structs. A [`Visitor`]
//! visits the settings of both: one lists them, another reads what was given for them.

use super::error::SettingsError;
use super::value::{Scalar, Shape, Value};

/// A setting as operators see it.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its dotted key, which is also its place in a file.
    pub key: String,
    /// The name of its flag, without dashes; mostly the key.
    pub flag: String,
    /// Other names that its flag has in the scripts of operators.
    pub other_flags: &'static [&'static str],
    /// The lines of its doc comment.
    pub lines: &'static [&'static str],
    /// How its value is written.
    pub shape: Shape,
    /// The placeholder of its value in the help.
    pub placeholder: &'static str,
    /// Whether its default gives way to what it finds.
    pub gives_way: bool,
    /// What its value must be, beyond what its type says.
    pub rule: Option<String>,
    /// The words of its value; one unless it is a list.
    pub words: Vec<String>,
    /// The same without secrets.
    pub redacted_words: Vec<String>,
}

impl Setting {
    /// Its doc comment on one line.
    pub fn help(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(|line| line.trim()).collect();
        lines.join(" ")
    }

    /// Its environment variable.
    pub fn variable(&self) -> String {
        format!("SN1_{}", self.key.replace('.', "__").to_uppercase())
    }

    /// The table that it stands in, and its name there.
    pub fn table_and_name(&self) -> (&str, &str) {
        self.key.rsplit_once('.').unwrap_or(("", &self.key))
    }

    /// Its value as a file has it.
    pub fn toml(&self) -> String {
        toml_of(self.shape, &self.words)
    }

    /// Its value as a file has it, without secrets.
    pub fn redacted_toml(&self) -> String {
        toml_of(self.shape, &self.redacted_words)
    }
}

fn toml_of(shape: Shape, words: &[String]) -> String {
    let quoted = |word: &String| toml::Value::String(word.clone()).to_string();
    match shape {
        Shape::Switch | Shape::Number => words.concat(),
        Shape::Text => words.iter().map(quoted).collect(),
        Shape::Numbers => format!("[{}]", words.join(", ")),
        Shape::Texts => {
            let elements: Vec<_> = words.iter().map(quoted).collect();
            format!("[{}]", elements.join(", "))
        }
    }
}

/// A rule for the values of one setting.
type Check<T> = Box<dyn Fn(&T) -> bool>;

/// The declaration of one setting, apart from its default.
pub struct Spec<T> {
    pub(super) setting: Setting,
    check: Option<Check<T>>,
}

impl<T: Value + 'static> Spec<T> {
    pub(super) fn new(table: &str, name: &str, lines: &'static [&'static str]) -> Self {
        let dot = if table.is_empty() { "" } else { "." };
        let key = format!("{table}{dot}{name}");
        let setting = Setting {
            flag: key.clone(),
            key,
            other_flags: &[],
            lines,
            shape: T::SHAPE,
            placeholder: T::Item::PLACEHOLDER,
            gives_way: T::Item::GIVES_WAY,
            rule: None,
            words: Vec::new(),
            redacted_words: Vec::new(),
        };
        Self { setting, check: None }
    }

    /// The flag's name where it is not the key; the key works too.
    pub(super) fn flag(mut self, flag: &str) -> Self {
        self.setting.flag = flag.to_owned();
        self
    }

    /// Other names that its flag has.
    pub(super) fn also(mut self, other_flags: &'static [&'static str]) -> Self {
        self.setting.other_flags = other_flags;
        self
    }

    /// What must hold, and how it is said: what the value must be.
    pub(super) fn rule(mut self, check: impl Fn(&T) -> bool + 'static, words: &str) -> Self {
        self.setting.rule = Some(words.to_owned());
        self.check = Some(Box::new(check));
        self
    }

    /// The least and the greatest value.
    pub(super) fn range(self, least: T, most: T) -> Self
    where
        T: PartialOrd,
    {
        let text = |value: &T| value.words(Scalar::text).concat();
        let words = format!("between {} and {}", text(&least), text(&most));
        self.rule(move |value| least <= *value && *value <= most, &words)
    }

    /// What is wrong with a value, in the words of the rule.
    pub(super) fn broken_rule(&self, value: &T) -> Option<&str> {
        let is_broken = self.check.as_ref().is_some_and(|check| !check(value));
        self.setting.rule.as_deref().filter(|_| is_broken)
    }

    fn holding(self, value: &T) -> Setting {
        let (words, redacted_words) = (value.words(Scalar::text), value.words(Scalar::redacted));
        Setting { words, redacted_words, ..self.setting }
    }
}

/// Visits all settings of a struct.
pub trait Visitor {
    /// Visits one with its value, and returns the value that replaces it.
    ///
    /// # Errors
    /// A value that cannot be read.
    fn visit<T: Value + 'static>(&mut self, spec: Spec<T>, value: &T) -> Result<T, SettingsError>;
}

/// A struct of settings.
pub trait Section: Sized {
    /// Visits all of its settings in order, and returns the struct of what the visitor returned.
    ///
    /// # Errors
    /// The first error of the visitor, or values that do not go together.
    fn visited(&self, by: &mut impl Visitor) -> Result<Self, SettingsError>;

    /// Every setting with its value, in order.
    fn settings(&self) -> Vec<Setting> {
        let mut list = Listing(Vec::new());
        // Listing refuses nothing, and a section that breaks its own rules is still listed.
        let _ = self.visited(&mut list);
        list.0
    }
}

struct Listing(Vec<Setting>);

impl Visitor for Listing {
    fn visit<T: Value + 'static>(&mut self, spec: Spec<T>, value: &T) -> Result<T, SettingsError> {
        self.0.push(spec.holding(value));
        Ok(value.clone())
    }
}

/// Declares a struct of settings of one table. The doc comment of a field is its help; behind the
/// default stand [`Spec`]'s methods: `range`, `rule`, `flag`, `also`. What must hold between the
/// fields stands in a function `check` behind them.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident[$table:literal] {
            $(
                $(#[doc = $line:literal])+
                $field:ident: $kind:ty = $default:expr $(, $word:ident($($argument:expr),*))*;
            )+
        }
        $($check:path)?
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $line])+ pub $field: $kind, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::settings::declare::Section for $name {
            fn visited(
                &self,
                by: &mut impl $crate::settings::declare::Visitor,
            ) -> Result<Self, $crate::settings::SettingsError> {
                let section = Self { $(
                    $field: by.visit(
                        $crate::settings::declare::Spec::<$kind>::new(
                            $table,
                            stringify!($field),
                            &[$($line),+],
                        )$(.$word($($argument),*))*,
                        &self.$field,
                    )?,
                )+ };
                $( $check(&section)?; )?
                Ok(section)
            }
        }
    };
}
pub(super) use section;

/// Declares a struct of sections.
macro_rules! sections {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $( $field:ident: $section:ty, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name {
            $( #[doc = concat!("See [`", stringify!($section), "`].")] pub $field: $section, )+
        }

        impl $crate::settings::declare::Section for $name {
            fn visited(
                &self,
                by: &mut impl $crate::settings::declare::Visitor,
            ) -> Result<Self, $crate::settings::SettingsError> {
                Ok(Self { $( $field: self.$field.visited(by)?, )+ })
            }
        }
    };
}
pub(super) use sections;
