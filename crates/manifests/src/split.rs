//! Cuts a stream into documents where kubectl's decoder cuts it: JSON values as long as the text
//! starts as JSON, else YAML between lines that start with `---`. Every byte of the text belongs
//! to a piece, so that the pieces in a row are the text.

use std::ops::Range;

use serde_json::Value;

use super::compose::{Budget, compose};
use super::error::{Error, Fault, Problem};
use super::tree;

/// A stretch of the text that holds at most one document.
#[derive(Debug)]
pub(super) struct Piece {
    /// The whole stretch, separator line included.
    pub(super) range: Range<usize>,
    /// Where the document's own text starts.
    pub(super) body: usize,
    /// Line in the whole text on which that is, from 1.
    pub(super) body_line: usize,
    pub(super) syntax: Syntax,
    /// Line in the whole text where the document's content starts, from 1.
    pub(super) line: usize,
    /// What the document says; `None` if there are only comments and blank lines, or null.
    pub(super) value: Option<Value>,
}

/// Which of its two decoders kubectl reads a piece with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Json,
    Yaml,
}

/// All pieces of the text, in order.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, Error> {
    let mut splitter = Splitter { text, pieces: Vec::new(), documents: 0, line: 1, budget: Budget::new() };
    let looks_like_json = text.trim_start().starts_with('{');
    let Some(failure) = looks_like_json.then(|| splitter.json()) else {
        splitter.yaml(0)?;
        return Ok(splitter.pieces);
    };
    let Some((rest, json_error)) = failure else {
        return Ok(splitter.pieces);
    };
    // After two JSON values kubectl's decoder no longer tries YAML.
    if splitter.documents > 1 {
        return Err(json_error);
    }
    let quoted_key = text.trim_start().trim_start_matches('{').trim_start().starts_with('"');
    let first = splitter.documents == 0;
    match splitter.yaml(rest) {
        // The text was meant as JSON, so that JSON's error is the more precise one.
        Err(_) if first && quoted_key => Err(json_error),
        Err(error) => Err(error),
        Ok(()) => Ok(splitter.pieces),
    }
}

/// Reads one YAML document that stands alone, for reading back what was written.
pub(super) fn read_yaml(body: &str, budget: &mut Budget) -> Result<Option<Located>, Fault> {
    check_characters(body)?;
    let Some(root) = tree::read(body)? else {
        return Ok(None);
    };
    let value = compose(&root, budget)?;
    let line = root.line;
    Ok((!value.is_null()).then_some(Located { line, value }))
}

/// What a YAML document says, and on which of its lines it starts.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) line: usize,
    pub(super) value: Value,
}

struct Splitter<'t> {
    text: &'t str,
    pieces: Vec<Piece>,
    /// Documents with content so far.
    documents: usize,
    /// Line of the text on which the next piece starts.
    line: usize,
    budget: Budget,
}

impl Splitter<'_> {
    /// Reads JSON values until the end (`None`) or up to other text, whose offset and error it returns.
    fn json(&mut self) -> Option<(usize, Error)> {
        let mut values = serde_json::Deserializer::from_str(self.text).into_iter::<Value>();
        let mut taken = 0;
        loop {
            let value = values.next();
            let end = match &value {
                Some(Ok(_)) => values.byte_offset(),
                Some(Err(_)) => taken,
                None => self.text.len(),
            };
            match value {
                None => {
                    self.push(taken..end, taken, Syntax::Json, None);
                    return None;
                }
                Some(Ok(value)) => {
                    let between = self.text.get(taken..end).unwrap_or_default();
                    let start = end - between.trim_start().len();
                    self.push(taken..start, taken, Syntax::Json, None);
                    let value = Some(value).filter(|value| !value.is_null());
                    self.push(start..end, start, Syntax::Json, value);
                    taken = end;
                }
                Some(Err(error)) => {
                    let error = Error {
                        document: self.documents + 1,
                        line: error.line().max(1),
                        column: Some(error.column()),
                        problem: Problem::Json(without_position(&error)),
                    };
                    // The decoder drops the rest of the line that the last value ended on.
                    let rest = self.text.get(taken..).unwrap_or_default();
                    let blank = rest.len() - rest.trim_start().len();
                    let blank = rest.get(..blank).unwrap_or_default();
                    let skip = match taken {
                        // No value ended before the first one; its indentation is YAML's.
                        0 => 0,
                        _ => blank.find('\n').map_or(blank.len(), |newline| newline + 1),
                    };
                    self.push(taken..taken + skip, taken, Syntax::Json, None);
                    return Some((taken + skip, error));
                }
            }
        }
    }

    fn yaml(&mut self, from: usize) -> Result<(), Error> {
        let mut start = from;
        let mut body = from;
        let mut at = from;
        for line in self.text.get(from..).unwrap_or_default().split_inclusive('\n') {
            if let Some(rest) = line.strip_prefix("---") {
                // The first separator of a stream opens a document rather than ending one.
                self.yaml_piece(start..at, body)?;
                start = at;
                body = at + line.len();
                let rest = rest.trim();
                if !rest.is_empty() && !rest.starts_with('#') {
                    let problem = Problem::Separator(rest.to_owned());
                    return Err(self.error(Fault::at(1, problem), self.line));
                }
            }
            at += line.len();
        }
        self.yaml_piece(start..at, body)
    }

    fn yaml_piece(&mut self, range: Range<usize>, body: usize) -> Result<(), Error> {
        let separator = self.text.get(range.start..body).unwrap_or_default();
        let line = self.line + separator.matches('\n').count();
        let content = self.text.get(body..range.end).unwrap_or_default();
        let value = read_yaml(content, &mut self.budget).map_err(|fault| self.error(fault, line))?;
        let document = self.pieces.len();
        let (lead, value) = value.map_or((0, None), |read| (read.line - 1, Some(read.value)));
        self.push(range, body, Syntax::Yaml, value);
        if let Some(piece) = self.pieces.get_mut(document) {
            piece.line += lead;
        }
        Ok(())
    }

    fn push(&mut self, range: Range<usize>, body: usize, syntax: Syntax, value: Option<Value>) {
        if range.is_empty() {
            return;
        }
        let newlines = |part: Range<usize>| {
            let part = self.text.get(part).unwrap_or_default();
            part.matches('\n').count()
        };
        let line = self.line + newlines(range.start..body);
        self.line += newlines(range.clone());
        self.documents += usize::from(value.is_some());
        self.pieces.push(Piece { range, body, body_line: line, syntax, line, value });
    }

    fn error(&self, fault: Fault, body_line: usize) -> Error {
        Error {
            document: self.documents + 1,
            line: body_line + fault.line.saturating_sub(1),
            column: fault.column,
            problem: fault.problem,
        }
    }
}

/// `serde_json` ends its messages with a position, which [`Error`] has fields for.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

/// Refuses characters that goyaml refuses, and three that it takes for line breaks and our parser does
/// not: the document would silently get another meaning.
fn check_characters(text: &str) -> Result<(), Fault> {
    let mut line = 1;
    let mut column = 1;
    for character in text.chars() {
        let problem = match character {
            '\n' => {
                line += 1;
                column = 1;
                continue;
            }
            '\u{85}' | '\u{2028}' | '\u{2029}' => Problem::LineBreak(character.into()),
            '\t' | '\r' | ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => {
                column += 1;
                continue;
            }
            _ => Problem::Character(character.into()),
        };
        return Err(Fault { line, column: Some(column), problem });
    }
    Ok(())
}
