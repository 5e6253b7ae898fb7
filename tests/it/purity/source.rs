//! The paths in a Rust source file: those of `use` trees, each branch in full, and those of
//! expressions, types, attributes and macros. Comments and literals do not count.

/// Every path of more than one part, every single name of a `use` or `extern crate`, every macro
/// that is called by a single name (with its `!`); `super` and `self` resolved against `module`.
pub fn paths(text: &str, module: &[&str]) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, place: 0, found: Vec::new() };
    let mut scopes = vec![module.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()];
    while let Some(token) = reader.peek(0) {
        let scope = scopes.last().cloned().unwrap_or_default();
        match token {
            "use" => {
                reader.place += 1;
                reader.tree(&scope, &[], true);
            }
            "extern" if reader.peek(1) == Some("crate") => {
                reader.found.extend(reader.peek(2).map(|name| vec![name.to_owned()]));
                reader.place += 3;
            }
            "mod" if reader.peek(2) == Some("{") => {
                let name = reader.peek(1).unwrap_or_default().to_owned();
                scopes.push(scope.into_iter().chain([name]).collect());
                reader.place += 3;
            }
            // Every other brace opens a scope of the same module.
            "{" => {
                scopes.push(scope);
                reader.place += 1;
            }
            "}" => {
                scopes.pop();
                reader.place += 1;
            }
            "::" => reader.tree(&scope, &[], false),
            name if is_name(name) => reader.tree(&scope, &[], false),
            _ => reader.place += 1,
        }
    }
    reader.found
}

struct Reader<'t> {
    tokens: &'t [String],
    place: usize,
    found: Vec<Vec<String>>,
}

impl<'t> Reader<'t> {
    fn peek(&self, ahead: usize) -> Option<&'t str> {
        self.tokens.get(self.place + ahead).map(String::as_str)
    }

    /// Reads a path, in a `use` with all branches of its tree; `before` is what the tree stands on.
    fn tree(&mut self, scope: &[String], before: &[String], in_use: bool) {
        let mut path = before.to_vec();
        if self.peek(0) == Some("::") {
            self.place += 1;
        }
        loop {
            match self.peek(0) {
                Some("{") if in_use => return self.branches(scope, &path),
                Some(name) if is_name(name) || name == "*" && in_use => path.push(name.to_owned()),
                _ => break,
            }
            self.place += 1;
            if self.peek(0) != Some("::") {
                break;
            }
            self.place += 1;
        }
        if path.len() == 1 && !in_use && self.peek(0) == Some("!") {
            path[0].push('!');
            self.found.push(path);
        } else if in_use
            || path.len() > 1
            || path.first().is_some_and(|name| name.starts_with(char::is_uppercase))
        {
            self.found.push(resolved(scope, path));
        }
    }

    fn branches(&mut self, scope: &[String], path: &[String]) {
        self.place += 1;
        while let Some(token) = self.peek(0) {
            match token {
                "}" => {
                    self.place += 1;
                    return;
                }
                "," => self.place += 1,
                // The name that `as` gives: what it stands for is already noted.
                "as" => self.place += 2,
                _ => {
                    let start = self.place;
                    self.tree(scope, path, true);
                    self.place = self.place.max(start + 1);
                }
            }
        }
    }
}

/// The path as it is from the crate's root, where it says so.
fn resolved(scope: &[String], path: Vec<String>) -> Vec<String> {
    // `a::{self}` is `a`.
    let mut path = path;
    if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
        path.pop();
    }
    let climbs = path.iter().take_while(|name| *name == "super" || *name == "self").count();
    if climbs == 0 {
        return path;
    }
    let up = path.iter().take(climbs).filter(|name| *name == "super").count();
    let base = scope.iter().take(scope.len().saturating_sub(up));
    base.cloned().chain(path.into_iter().skip(climbs)).collect()
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single characters, without comments and literals.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(length) = silent(rest) {
            length
        } else if let Some(name) = rest.strip_prefix("r#").filter(|name| is_name(name)) {
            let length = name_length(name);
            tokens.push(name[..length].to_owned());
            length + 2
        } else if is_name(rest) {
            let length = name_length(rest);
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The length of the comment, literal, number or lifetime that `text` starts with.
fn silent(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(name_length(text));
    }
    let unprefixed = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - unprefixed.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix + 1 + hashes + 1 + inside);
    }
    match unprefixed.chars().next()? {
        '"' => Some(prefix + quoted(unprefixed, '"')),
        '\'' => Some(prefix + character(unprefixed)),
        _ => None,
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut place = 0;
    while place < text.len() {
        if text[place..].starts_with("/*") {
            depth += 1;
            place += 2;
        } else if text[place..].starts_with("*/") {
            depth -= 1;
            place += 2;
            if depth == 0 {
                break;
            }
        } else {
            place += text[place..].chars().next().map_or(1, char::len_utf8);
        }
    }
    place
}

/// The length of a literal with escapes, quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return place + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character's literal, or a lifetime: that one ends with its name.
fn character(text: &str) -> usize {
    let mut after = text[1..].chars();
    let first = after.next();
    if first == Some('\\') || after.next() == Some('\'') {
        return quoted(text, '\'');
    }
    1 + name_length(&text[1..])
}
