//! Python's methods of strings, lists and dicts: those of `minijinja-contrib`, and what it lacks.

use minijinja::value::{Kwargs, Tuple, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat::unknown_method_callback;

/// Calls a method of a value that has none by that name of its own.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let ours = match (value.kind(), value.as_str()) {
        (_, Some(text)) => of_string(state, text, method, args)?,
        (ValueKind::Seq, _) => of_list(value, method, args)?,
        (ValueKind::Map, _) if method == "copy" => Some(value.clone()),
        _ => None,
    };
    match ours {
        Some(answer) => Ok(answer),
        None => unknown_method_callback(state, value, method, args),
    }
}

fn of_list(list: &Value, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    match method {
        "copy" => Ok(Some(list.try_iter()?.collect())),
        "index" => {
            let (wanted,): (&Value,) = from_args(args)?;
            let found = list.try_iter()?.position(|item| item == *wanted);
            found.map(|at| Some(Value::from(at))).ok_or_else(|| not_found(wanted))
        }
        _ => Ok(None),
    }
}

fn of_string(
    state: &mut State<'_, '_>,
    text: &str,
    method: &str,
    args: &[Value],
) -> Result<Option<Value>, Error> {
    let answer = match method {
        "removeprefix" | "removesuffix" => {
            let (part,): (&str,) = from_args(args)?;
            let is_prefix = method == "removeprefix";
            let rest = if is_prefix { text.strip_prefix(part) } else { text.strip_suffix(part) };
            Value::from(rest.unwrap_or(text))
        }
        "partition" | "rpartition" => partition(text, method == "rpartition", args)?,
        "split" | "rsplit" => split(text, method == "rsplit", args)?,
        "splitlines" => {
            let (keeps_ends,): (Option<bool>,) = from_args(args)?;
            lines(text, keeps_ends.unwrap_or(false)).into_iter().collect()
        }
        "center" | "ljust" | "rjust" | "zfill" => Value::from(padded(text, method, args)?),
        "title" => Value::from(title(text)),
        "casefold" => Value::from(text.to_lowercase().replace('ß', "ss")),
        "swapcase" => Value::from(text.chars().map(swapped).collect::<String>()),
        "istitle" => Value::from(text.contains(char::is_alphabetic) && text == title(text)),
        "isdecimal" => Value::from(!text.is_empty() && text.chars().all(|it| it.is_ascii_digit())),
        "find" | "rfind" | "index" | "rindex" => Value::from(find(state, text, method, args)?),
        "count" | "startswith" | "endswith" if args.len() > 1 => {
            let (part, _) = between(text, &args[1..])?;
            unknown_method_callback(state, &Value::from(part), method, &args[..1])?
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

fn not_found(wanted: &Value) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{wanted} is not in it"))
}

/// The position in characters; −1 from the two methods that do not fail.
fn find(state: &mut State<'_, '_>, text: &str, method: &str, args: &[Value]) -> Result<i64, Error> {
    let (wanted, bounds) = args.split_first().ok_or(ErrorKind::MissingArgument)?;
    let (part, n_before) = between(text, bounds)?;
    let finder = if method.starts_with('r') { "rfind" } else { "find" };
    let at =
        unknown_method_callback(state, &Value::from(part), finder, std::slice::from_ref(wanted))?;
    match (at.as_i64(), method.ends_with("index")) {
        (Some(at @ 0..), _) => Ok(at + n_before as i64),
        (_, true) => Err(not_found(wanted)),
        (_, false) => Ok(-1),
    }
}

/// The part between two positions, counted from the end where they are negative; and the number of
/// characters before it.
fn between<'t>(text: &'t str, bounds: &[Value]) -> Result<(&'t str, usize), Error> {
    let (start, stop): (Option<i64>, Option<i64>) = from_args(bounds)?;
    let n_letters = text.chars().count();
    let place = |at: Option<i64>, default: usize| match at {
        Some(at) if at < 0 => n_letters.saturating_sub(at.unsigned_abs() as usize),
        Some(at) => (at as usize).min(n_letters),
        None => default,
    };
    let (start, stop) = (place(start, 0), place(stop, n_letters));
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    Ok((&text[byte(start)..byte(stop.max(start))], start))
}

fn partition(text: &str, is_last: bool, args: &[Value]) -> Result<Value, Error> {
    let (separator,): (&str,) = from_args(args)?;
    let at = if is_last { text.rfind(separator) } else { text.find(separator) };
    let parts = match at {
        Some(at) => [&text[..at], separator, &text[at + separator.len()..]],
        None if is_last => ["", "", text],
        None => [text, "", ""],
    };
    Ok(Value::from(Tuple::from(parts.map(Value::from))))
}

fn split(text: &str, from_end: bool, args: &[Value]) -> Result<Value, Error> {
    let (separator, most, named): (Option<&str>, Option<i64>, Kwargs) = from_args(args)?;
    let separator = separator.map_or_else(|| named.get("sep"), |separator| Ok(Some(separator)))?;
    let most = most.map_or_else(|| named.get("maxsplit"), |most| Ok(Some(most)))?;
    named.assert_all_used()?;
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX - 1);
    let mut parts: Vec<&str> = match (separator, from_end) {
        (Some(""), _) => return Err(Error::new(ErrorKind::InvalidOperation, "empty separator")),
        (Some(separator), false) => text.splitn(most + 1, separator).collect(),
        (Some(separator), true) => text.rsplitn(most + 1, separator).collect(),
        (None, _) => at_white_space(text, most, from_end),
    };
    if from_end {
        parts.reverse();
    }
    Ok(parts.into_iter().collect())
}

/// The words, in the order in which they are split off; after `most` of them, the rest.
fn at_white_space<'t>(text: &'t str, most: usize, from_end: bool) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let near = |part: &'t str| if from_end { part.trim_end() } else { part.trim_start() };
    let mut rest = near(text);
    while !rest.is_empty() {
        let cut =
            if from_end { rest.rfind(char::is_whitespace) } else { rest.find(char::is_whitespace) };
        let (word, left) = match cut {
            Some(at) if parts.len() < most && from_end => (rest[at..].trim_start(), &rest[..at]),
            Some(at) if parts.len() < most => (&rest[..at], &rest[at..]),
            _ => (rest, ""),
        };
        parts.push(word);
        rest = near(left);
    }
    parts
}

/// The lines, which end with `\n`, `\r` or both.
fn lines(text: &str, keeps_ends: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let n_end = if rest[at..].starts_with("\r\n") { 2 } else { (rest.len() - at).min(1) };
        lines.push(&rest[..if keeps_ends { at + n_end } else { at }]);
        rest = &rest[at + n_end..];
    }
    lines
}

/// `text`, filled up to a width.
pub(super) fn padded(text: &str, method: &str, args: &[Value]) -> Result<String, Error> {
    const MAX_WIDTH: usize = 1 << 16;
    let (width, fill): (i64, Option<char>) = from_args(args)?;
    let width = usize::try_from(width).unwrap_or(0).min(MAX_WIDTH);
    let n_missing = width.saturating_sub(text.chars().count());
    let fill = |n: usize| fill.unwrap_or(' ').to_string().repeat(n);
    Ok(match method {
        "ljust" => format!("{text}{}", fill(n_missing)),
        "rjust" => format!("{}{text}", fill(n_missing)),
        "center" => {
            // Python puts the odd one to the left of a text of even length in an odd width.
            let left = n_missing / 2 + (n_missing & width & 1);
            format!("{}{text}{}", fill(left), fill(n_missing - left))
        }
        _ => {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
            format!("{sign}{}{digits}", "0".repeat(n_missing))
        }
    })
}

fn swapped(letter: char) -> String {
    if letter.is_uppercase() {
        letter.to_lowercase().collect()
    } else {
        letter.to_uppercase().collect()
    }
}

/// The text with capital letters where words begin, and only there: also behind an apostrophe.
fn title(text: &str) -> String {
    let mut title = String::with_capacity(text.len());
    let mut is_inside = false;
    for letter in text.chars() {
        match is_inside {
            true => title.extend(letter.to_lowercase()),
            false => title.extend(letter.to_uppercase()),
        }
        is_inside = letter.is_alphabetic();
    }
    title
}
