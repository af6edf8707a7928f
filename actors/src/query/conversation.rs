//! The question: messages with roles, as the wire carries them.

use std::io::Read;

/// The message that stands for standard input.
const FROM_STDIN: &str = "-";
const ROLES: [&str; 3] = ["system", "user", "assistant"];

/// A conversation whose last message is the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    roles: Vec<String>,
    messages: Vec<String>,
}

impl Conversation {
    /// Pairs messages with roles. Without roles they alternate, the user's first. One message may
    /// be `-`: it is read from `stdin` to its end, without a final line break.
    ///
    /// # Errors
    /// In one sentence: the last message is not the user's, or a message is empty or unreadable.
    pub fn new(
        roles: Vec<String>,
        mut messages: Vec<String>,
        stdin: impl Read,
    ) -> Result<Self, String> {
        if messages.is_empty() {
            return Err(
                "nothing to ask: give --message \"...\", or --message - to read standard input"
                    .to_owned(),
            );
        }
        read_stdin(&mut messages, stdin)?;
        if let Some(number) = messages.iter().position(|message| message.trim().is_empty()) {
            return Err(format!("message {} is empty", number + 1));
        }
        let roles = if roles.is_empty() { alternating(messages.len()) } else { roles };
        check_roles(&roles, messages.len())?;
        Ok(Self { roles, messages })
    }

    /// The role of each message.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// The text of each message, in order.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }
}

fn read_stdin(messages: &mut [String], mut stdin: impl Read) -> Result<(), String> {
    let mut from_stdin = messages.iter_mut().filter(|message| *message == FROM_STDIN);
    let Some(message) = from_stdin.next() else { return Ok(()) };
    if from_stdin.next().is_some() {
        return Err("only one --message can be read from standard input".to_owned());
    }
    let mut text = String::new();
    stdin
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot read the message from standard input: {error}"))?;
    let end = text.strip_suffix('\n').unwrap_or(&text);
    *message = end.strip_suffix('\r').unwrap_or(end).to_owned();
    Ok(())
}

fn alternating(n_messages: usize) -> Vec<String> {
    ["user", "assistant"].iter().cycle().take(n_messages).map(|role| (*role).to_owned()).collect()
}

fn check_roles(roles: &[String], n_messages: usize) -> Result<(), String> {
    if roles.len() != n_messages {
        let n_roles = roles.len();
        return Err(format!(
            "--role was given {n_roles} times for {n_messages} messages: give one for each, or none"
        ));
    }
    if let Some(role) = roles.iter().find(|role| !ROLES.contains(&role.as_str())) {
        return Err(format!("`{role}` is not a role: use system, user or assistant"));
    }
    match roles.last().map(String::as_str) {
        Some("user") => Ok(()),
        _ => Err("the last message must be the user's: messages without --role alternate between \
                  user and assistant, so give an odd number of them"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn conversation(
        roles: &[&str],
        messages: &[&str],
        stdin: &str,
    ) -> Result<Conversation, String> {
        Conversation::new(texts(roles), texts(messages), stdin.as_bytes())
    }

    #[test]
    fn roles_alternate_unless_they_are_given() {
        let one = conversation(&[], &["Hello?"], "").unwrap();
        assert_eq!(one.roles(), ["user"]);
        let three = conversation(&[], &["a", "b", "c"], "").unwrap();
        assert_eq!(three.roles(), ["user", "assistant", "user"]);
        let given = conversation(&["system", "user"], &["Be brief.", "Why?"], "").unwrap();
        assert_eq!(given.roles(), ["system", "user"]);
        assert_eq!(given.messages(), ["Be brief.", "Why?"]);
    }

    #[test]
    fn a_dash_is_read_from_standard_input() {
        let read = conversation(&[], &["a", "b", "-"], "two\nlines\r\n").unwrap();
        assert_eq!(read.messages(), ["a", "b", "two\nlines"]);
    }

    #[test]
    fn what_cannot_be_asked_is_said_in_one_sentence() {
        let table: [(&[&str], &[&str], &str, &str); 8] = [
            (&[], &[], "", "--message"),
            (&[], &["a", ""], "", "message 2 is empty"),
            (&[], &["-"], " \n", "message 1 is empty"),
            (&[], &["-", "a", "-"], "x", "only one"),
            (&[], &["a", "b"], "", "odd number"),
            (&["user"], &["a", "b", "c"], "", "1 times for 3 messages"),
            (&["king"], &["a"], "", "`king` is not a role"),
            (&["assistant"], &["a"], "", "must be the user's"),
        ];
        for (roles, messages, stdin, part) in table {
            let error = conversation(roles, messages, stdin).unwrap_err();
            assert!(error.contains(part) && error.lines().count() == 1, "{part}: {error}");
        }
        let error = Conversation::new(vec![], texts(&["-"]), &b"\xff"[..]).unwrap_err();
        assert!(error.contains("standard input"), "{error}");
    }
}
