//! The XML that AWS's older protocols answer in.

/// A document that grows.
pub(crate) struct Xml(pub(crate) String);

impl Xml {
    /// An element with others in it.
    pub(crate) fn nest(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.0.extend(["<", name, ">"]);
        content(self);
        self.0.extend(["</", name, ">"]);
    }

    /// An element with a text.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.nest(name, |xml| {
            for character in value.chars() {
                match character {
                    '&' => xml.0.push_str("&amp;"),
                    '<' => xml.0.push_str("&lt;"),
                    '>' => xml.0.push_str("&gt;"),
                    '"' => xml.0.push_str("&quot;"),
                    // XML 1.0 knows no other control characters, escaped or not.
                    '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => xml.0.push('\u{fffd}'),
                    other => xml.0.push(other),
                }
            }
        });
    }
}
