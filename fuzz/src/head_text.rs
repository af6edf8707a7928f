//! Heads as text, so that seeds can be read and a mutation of one line stays a head.

/// Lines of `name: value` up to an empty line or the end. Names that are no UTF-8 are skipped;
/// values are raw bytes without CR, LF and NUL, which no HTTP server lets through.
pub(crate) fn split(input: &[u8]) -> (Vec<(&str, &[u8])>, &[u8]) {
    let mut headers = Vec::new();
    let mut rest = input;
    while let Some((line, tail)) = next_line(rest) {
        rest = tail;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let Ok(name) = std::str::from_utf8(name)
            && !value.iter().any(|byte| matches!(byte, b'\r' | 0))
        {
            headers.push((name, value));
        }
    }
    (headers, rest)
}

/// The first line and what follows it; `None` at the end.
pub(crate) fn next_line(input: &[u8]) -> Option<(&[u8], &[u8])> {
    if input.is_empty() {
        return None;
    }
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    Some((&input[..end], input.get(end + 1..).unwrap_or_default()))
}

/// The value that counts of a header: the last of its name in any letter case, as Latin-1.
pub(crate) fn value(headers: &[(&str, &[u8])], name: &str) -> Option<String> {
    let found = headers.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(found.1.iter().map(|&byte| char::from(byte)).collect())
}
