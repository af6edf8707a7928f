//! The filter `tojson`, which writes what Python's `json.dumps` writes: with spaces after separators,
//! nothing escaped for HTML, and the options that `transformers` passes on.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;
/// A value that is shared many times is small, and endless as a text.
const MAX_BYTES: usize = 1 << 20;

/// Where the text is broken, and what is escaped.
struct Layout {
    between: String,
    after_key: String,
    indent: Option<String>,
    is_ascii: bool,
    is_sorted: bool,
}

/// `value | tojson(ensure_ascii=false, indent=none, separators=none, sort_keys=false)`.
pub(super) fn tojson(
    value: &Value,
    ensure_ascii: Option<bool>,
    indent: Option<Value>,
    options: Kwargs,
) -> Result<String, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => options.get("indent")?,
    };
    let indent = indent.filter(|indent| !indent.is_none()).map(|indent| match indent.as_usize() {
        Some(width) => " ".repeat(width.min(MAX_DEPTH)),
        None => indent.to_string(),
    });
    let separators: Option<Vec<String>> = options.get("separators")?;
    let (between, after_key) = match separators.as_deref() {
        Some([between, after_key]) => (between.clone(), after_key.clone()),
        _ => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
    };
    let is_ascii = match ensure_ascii {
        Some(is_ascii) => is_ascii,
        None => options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
    };
    let is_sorted = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    options.assert_all_used()?;
    let mut text = String::new();
    Layout { between, after_key, indent, is_ascii, is_sorted }.write(value, 0, &mut text)?;
    Ok(text)
}

impl Layout {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        let wrong = |what: &str| Err(Error::new(ErrorKind::BadSerialization, what.to_owned()));
        if depth > MAX_DEPTH {
            return wrong("the value is nested too deep for JSON");
        }
        if out.len() > MAX_BYTES {
            return wrong("the value is too large for JSON");
        }
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => out.push_str(&value.to_string()),
            ValueKind::String => self.quote(&value.to_string(), out),
            ValueKind::Seq => self.list(value, depth, out)?,
            ValueKind::Map => self.map(value, depth, out)?,
            other => return wrong(&format!("{other} is not JSON serializable")),
        }
        Ok(())
    }

    fn list(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        out.push('[');
        let items: Vec<Value> = value.try_iter()?.collect();
        for (idx, item) in items.iter().enumerate() {
            self.begin(idx, depth + 1, out);
            self.write(item, depth + 1, out)?;
        }
        self.end(']', items.len(), depth, out);
        Ok(())
    }

    fn map(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        out.push('{');
        let mut keys: Vec<Value> = value.try_iter()?.collect();
        if self.is_sorted {
            keys.sort();
        }
        for (idx, key) in keys.iter().enumerate() {
            self.begin(idx, depth + 1, out);
            let mut name = String::new();
            match key.kind() {
                ValueKind::String => name = key.to_string(),
                _ => self.write(key, depth + 1, &mut name)?,
            }
            self.quote(&name, out);
            out.push_str(&self.after_key);
            self.write(&value.get_item(key)?, depth + 1, out)?;
        }
        self.end('}', keys.len(), depth, out);
        Ok(())
    }

    fn begin(&self, idx: usize, depth: usize, out: &mut String) {
        if idx > 0 {
            out.push_str(&self.between);
        }
        self.line(depth, out);
    }

    fn end(&self, bracket: char, n_items: usize, depth: usize, out: &mut String) {
        if n_items > 0 {
            self.line(depth, out);
        }
        out.push(bracket);
    }

    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    }

    fn quote(&self, text: &str, out: &mut String) {
        let quoted = serde_json::Value::from(text).to_string();
        if !self.is_ascii {
            return out.push_str(&quoted);
        }
        for unit in quoted.encode_utf16() {
            match u8::try_from(unit).ok().filter(u8::is_ascii) {
                Some(byte) => out.push(char::from(byte)),
                None => out.push_str(&format!("\\u{unit:04x}")),
            }
        }
    }
}
