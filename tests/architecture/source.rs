//! Rust source without comments, literals and items under `cfg(test)`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::graph::Graph;

/// One source file.
pub(crate) struct Source {
    /// Its path below the package's source folder.
    pub(crate) path: String,
    /// Its text as written.
    pub(crate) text: String,
    /// Its text without comments, literals and tests.
    code: String,
}

impl Source {
    /// The module right below the package's root; the file's own name for `lib.rs` and `main.rs`.
    pub(crate) fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The path of the module: empty for `lib.rs`.
    fn place(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        path.split('/').filter(|part| *part != "lib").collect()
    }

    /// Whether a word occurs in the code.
    pub(crate) fn says(&self, word: &str) -> bool {
        words_at(&self.code, word).next().is_some()
    }

    /// The code before and after every position at which a word starts.
    pub(crate) fn around<'a>(&'a self, word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        words_at(&self.code, word).map(|at| self.code.split_at(at))
    }
}

/// All source files of one package, without tests.
pub(crate) struct Package {
    pub(crate) name: String,
    files: BTreeMap<String, Source>,
}

impl Package {
    /// Reads the source files of a folder.
    pub(crate) fn read(name: &str, folder: &Path) -> Self {
        let mut texts = Vec::new();
        collect(folder, folder, &mut texts);
        let texts: Vec<(&str, &str)> =
            texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        Self::of(name, &texts)
    }

    /// A package of these files, by path.
    pub(crate) fn of(name: &str, files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| {
            let (path, text) = ((*path).to_owned(), (*text).to_owned());
            let code = without_tests(&without_literals(&text));
            (path.clone(), Source { path, text, code })
        });
        Self { name: name.to_owned(), files: files.collect() }
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.files.values()
    }

    /// The imports between the modules below the root.
    pub(crate) fn modules(&self) -> Graph {
        let mut graph = Graph::default();
        for file in self.sources().filter(|file| file.path != "lib.rs") {
            graph.node(file.module());
            for to in self.imports(file).filter(|to| to.module() != file.module()) {
                graph.arrow(file.module(), to.module());
            }
        }
        graph
    }

    /// The imports between files, without those of a module's own children.
    pub(crate) fn files(&self) -> Graph {
        let mut graph = Graph::default();
        for file in self.sources().filter(|file| file.path != "lib.rs") {
            let own = file.path.replace(".rs", "/");
            for to in self.imports(file) {
                if to.path != file.path && !to.path.starts_with(&own) {
                    graph.arrow(&file.path, &to.path);
                }
            }
        }
        graph
    }

    fn imports<'a>(&'a self, file: &Source) -> impl Iterator<Item = &'a Source> {
        let paths = paths(&file.code);
        paths.into_iter().filter_map(move |path| self.resolve(&file.place(), &path))
    }

    /// The deepest module that a path names; `None` when it names nothing in this package.
    fn resolve(&self, place: &[&str], path: &[String]) -> Option<&Source> {
        let mut at: Vec<&str> = match path.first()?.as_str() {
            "crate" => Vec::new(),
            name if name == self.name => Vec::new(),
            "self" | "super" => place.to_vec(),
            _ => return None,
        };
        let is_relative = matches!(path.first()?.as_str(), "self" | "super");
        let mut rest = &path[usize::from(!is_relative)..];
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            rest = others;
        }
        for name in rest {
            let deeper = [&at[..], &[name.as_str()]].concat().join("/");
            if !self.files.contains_key(&format!("{deeper}.rs")) {
                break;
            }
            at.push(name);
        }
        self.files.get(&format!("{}.rs", at.join("/")))
    }
}

fn collect(root: &Path, folder: &Path, texts: &mut Vec<(String, String)>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            collect(root, &path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            let relative = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            texts.push((relative, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn words_at<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (&code[..*at], &code[at + word.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    })
}

/// Removes comments and the contents of string and character literals.
fn without_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let before = code.strip_suffix('b').unwrap_or(&code); // `br"..."`
        let after_word = before.ends_with(is_word);
        let taken = match next {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => quoted(rest),
            'r' if !after_word && raw(rest).is_some() => raw(rest).unwrap_or(1),
            '\'' if is_character(rest) => 1 + quoted_by(&rest[1..], '\''),
            _ => {
                code.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            }
        };
        if next != '/' {
            code.push_str("\"\"");
        }
        rest = &rest[taken..];
    }
    code
}

/// The length of a literal that begins with its quote.
fn quoted(text: &str) -> usize {
    1 + quoted_by(&text[1..], '"')
}

fn quoted_by(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + character.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw string literal, if the text begins with one.
fn raw(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|character| *character == '#').count();
    let body = text[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&end).map_or(text.len(), |at| 2 + hashes + at + end.len()))
}

/// Whether an apostrophe starts a character literal rather than a lifetime.
fn is_character(text: &str) -> bool {
    let mut characters = text.chars().skip(1);
    match characters.next() {
        Some('\\') => true,
        Some(_) => characters.next() == Some('\''),
        None => false,
    }
}

/// Removes items under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let Some((before, after)) = code.split_once("#[cfg(test)]") else { return code.to_owned() };
    let mut depth = 0_i32;
    for (at, character) in after.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (character == '}' || character == ';') && depth == 0 {
            return before.to_owned() + &without_tests(&after[at + 1..]);
        }
    }
    before.to_owned()
}

/// Every path that may name a module: the leaves of `use` trees, and paths elsewhere.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for at in words_at(code, "use") {
        let tree = code[at + 3..].split(';').next().unwrap_or_default();
        leaves(&[], tree, &mut found);
    }
    for start in ["crate", "super", "self", "sn1_actors"] {
        for at in words_at(code, start) {
            let path = code[at..].split(|next| !is_word(next) && next != ':').next().unwrap_or("");
            found.push(path.split("::").map(str::to_owned).collect());
        }
    }
    found
}

fn leaves(prefix: &[String], tree: &str, found: &mut Vec<Vec<String>>) {
    let (head, inner) = match tree.split_once('{') {
        Some((head, inner)) => (head, inner.rsplit_once('}').map(|(inner, _)| inner)),
        None => (tree, None),
    };
    let named = head.split(" as ").next().unwrap_or_default().split("::");
    let named = named.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned);
    let path: Vec<String> = prefix.iter().cloned().chain(named).collect();
    let Some(inner) = inner else { return found.push(path) };
    let mut depth = 0_i32;
    let parts = inner.split(|next| {
        depth += i32::from(next == '{') - i32::from(next == '}');
        next == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty()).for_each(|part| leaves(&path, part, found));
}
