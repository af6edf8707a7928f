//! Jinja with what `transformers` adds to it, and a limit of steps for what a model file asks.

use jiff::civil::DateTime;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Value};

use super::{json, methods};

const NAME: &str = "chat template";
/// Steps that one rendering may take: a template is a program from a stranger.
const FUEL: u64 = 2_000_000;

/// The environment that chat templates expect, with this one in it: a line with only a block leaves no
/// trace, Python's methods work, and a template can refuse its input.
pub(super) fn environment(source: &str) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_fuel(Some(FUEL));
    minijinja_contrib::add_to_environment(&mut environment);
    environment.set_unknown_method_callback(methods::call);
    environment.add_filter("tojson", json::tojson);
    environment.add_filter("center", |text: &str, width: Option<Value>| {
        methods::padded(text, "center", &[width.unwrap_or(Value::from(80))])
    });
    environment.add_filter("wordcount", |text: &str| text.split_whitespace().count());
    environment.add_function("raise_exception", |message: String| -> Result<(), Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_template_owned(NAME, without_generation(source))?;
    Ok(environment)
}

/// Renders the template; its clock stands at `now`.
pub(super) fn render(
    environment: &Environment<'static>,
    values: Value,
    now: DateTime,
) -> Result<String, Error> {
    let mut environment = environment.clone();
    environment.add_function("strftime_now", move |format: &str| strftime(format, now));
    environment.get_template(NAME)?.render(values)
}

/// Time as Python's `strftime` writes one without a time zone, in the C locale.
fn strftime(format: &str, now: DateTime) -> Result<String, Error> {
    let config = Config::new().custom(PosixCustom::new()).lenient(true);
    let text = BrokenDownTime::from(now).to_string_with_config(&config, naive(format));
    text.map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

/// The format without the zone, which such a time has not, and with microseconds as six digits.
fn naive(format: &str) -> String {
    let mut naive = String::with_capacity(format.len());
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '%') {
            (_, true) => match letters.next() {
                Some('Z' | 'z') => {}
                Some('f') => naive.push_str("%6f"),
                directive => naive.extend(std::iter::once('%').chain(directive)),
            },
            (letter, false) => naive.push(letter),
        }
    }
    naive
}

/// `{% generation %}` marks an answer for training and renders what it holds, in a scope of its own:
/// `{% with %}` does the same.
fn without_generation(source: &str) -> String {
    const TAG: &str = "generation";
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(TAG) {
        let (before, after) = (&rest[..at], &rest[at + TAG.len()..]);
        let opening = before.strip_suffix("end").unwrap_or(before).trim_end();
        let closing = after.trim_start().trim_start_matches(['-', '+']);
        let is_tag =
            opening.trim_end_matches(['-', '+']).ends_with("{%") && closing.starts_with("%}");
        out.push_str(before);
        out.push_str(if is_tag { "with" } else { TAG });
        rest = after;
    }
    out + rest
}
