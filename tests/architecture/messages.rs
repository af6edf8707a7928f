//! The messages of the tree, as the code has them and as the page lists them.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Package, Source};

/// One message on the page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    reply: String,
    /// Files that send it.
    senders: BTreeSet<String>,
    /// Actors that answer it, with their files.
    handlers: BTreeSet<(String, String)>,
}

/// The rows of the page: message, reply, files of the senders, handlers.
pub(crate) fn told(page: &str) -> BTreeMap<String, Row> {
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix('|')?.split(" | ").collect();
        let [message, reply, senders, handlers] = cells.try_into().ok()?;
        let handlers = links(handlers)
            .map(|(name, to)| (name, to.trim_start_matches("../actors/src/").to_owned()));
        let (message, _) = links(message).next()?;
        let reply = reply.trim().trim_matches('`').to_owned();
        let senders = links(senders).map(|(name, _)| name).collect();
        Some((message, Row { reply, senders, handlers: handlers.collect() }))
    });
    rows.collect()
}

/// The names and targets of the links in a cell.
fn links(cell: &str) -> impl Iterator<Item = (String, String)> {
    cell.split("[`").skip(1).filter_map(|link| {
        let (name, rest) = link.split_once("`](")?;
        let (target, _) = rest.split_once(')')?;
        Some((name.to_owned(), target.to_owned()))
    })
}

/// The messages that residents handle.
pub(crate) fn found(package: &Package) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for file in package.sources() {
        for (_, from) in file.around("Handles") {
            let Some((message, rest)) =
                from.strip_prefix("Handles<").and_then(|it| it.split_once('>'))
            else {
                continue;
            };
            let Some(actor) = rest.strip_prefix(" for ") else { continue };
            let actor: String = actor.chars().take_while(|it| it.is_alphanumeric()).collect();
            rows.entry(message.to_owned())
                .or_insert_with(|| row(package, message))
                .handlers
                .insert((actor, file.path.clone()));
        }
    }
    rows
}

fn row(package: &Package, message: &str) -> Row {
    let declared = package.sources().find_map(|file| Some((file, reply(file, message)?)));
    let (home, reply) = declared.unwrap_or_else(|| panic!("`{message}` is declared nowhere"));
    let helpers = helpers(home, message);
    let sends =
        |file: &&Source| makes(file, message) || helpers.iter().any(|helper| calls(file, helper));
    let others = package.sources().filter(|file| file.path != home.path);
    let senders = others.filter(sends).map(|file| file.path.clone()).collect();
    Row { reply, senders, handlers: BTreeSet::new() }
}

/// Functions next to a message that send it to a recipient that they are given.
fn helpers(home: &Source, message: &str) -> Vec<String> {
    let functions = home.text.split("\npub async fn ").skip(1);
    let sending = functions.filter(|function| {
        let signature = function.split('{').next().unwrap_or_default();
        signature.contains(&format!("Recipient<{message}>"))
    });
    sending.filter_map(|function| Some(function.split('(').next()?.to_owned())).collect()
}

fn calls(file: &Source, function: &str) -> bool {
    file.around(function).any(|(_, from)| from[function.len()..].starts_with('('))
}

/// The reply of a message that is declared in this file.
fn reply(file: &Source, message: &str) -> Option<String> {
    let declaration = ["{", ";", "(", " "]
        .iter()
        .find_map(|end| file.text.find(&format!("struct {message}{end}")))?;
    let (_, reply) = file.text[..declaration].rsplit_once("#[rtype(result = \"")?;
    Some(reply.split_once("\")]")?.0.to_owned())
}

/// Whether a file makes such a message: uses its name as a value, and not as a pattern.
fn makes(file: &Source, message: &str) -> bool {
    file.around(message).any(|(before, from)| {
        let (before, after) = (before.trim_end(), from[message.len()..].trim_start());
        let is_taken_apart =
            ["let", "impl", "for", "->", "fn", "::"].iter().any(|word| before.ends_with(word));
        let is_built = after.starts_with('{') || after.starts_with('(');
        let is_unit = before.ends_with('(') && after.starts_with(',');
        let is_variant = is_in_enum(before);
        !is_taken_apart && !is_variant && (is_built && !is_parameter(after) || is_unit)
    })
}

/// Whether the code so far ends inside the declaration of an enum.
fn is_in_enum(before: &str) -> bool {
    let Some((_, body)) = before.rsplit_once("enum ") else { return false };
    body.matches('{').count() > body.matches('}').count()
}

/// `RecordTurn(turn): RecordTurn` is a pattern.
fn is_parameter(after: &str) -> bool {
    let close = after.find([')', '}']).unwrap_or(after.len());
    after[close..].chars().nth(1) == Some(':') && !after[close..].starts_with(")::")
}
