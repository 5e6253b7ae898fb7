//! Texts as strings of HCL, the language of Terraform, whatever they hold.
//!
//! <https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md>

/// The text as a string in quotes, in which nothing is a template.
pub(super) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // A template begins with `${` or `%{`, and is a text with the first character twice.
            '$' | '%' if characters.peek() == Some(&'{') => out.extend([character, character]),
            // Before such a text, the same character would be taken for a part of it.
            '$' | '%' if characters.peek() == Some(&character) => escape(&mut out, character),
            // Also what is invisible or turns the text around, so that a reader sees what is there.
            _ if character.is_ascii_graphic() || character == ' ' || character.is_alphanumeric() => {
                out.push(character);
            }
            _ => escape(&mut out, character),
        }
    }
    out.push('"');
    out
}

fn escape(out: &mut String, character: char) {
    let number = u32::from(character);
    let escaped = if number < 0x1_0000 { format!("\\u{number:04x}") } else { format!("\\U{number:08x}") };
    out.push_str(&escaped);
}

/// A name for a resource, which no other account has: dots and underlines are in no name of a namespace, and an
/// underline in none of a ServiceAccount.
pub(super) fn label(namespace: &str, name: &str) -> String {
    let label = format!("{namespace}_{}", name.replace('.', "_"));
    if label.starts_with(|first: char| first.is_ascii_digit()) { format!("_{label}") } else { label }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What HCL reads in a string: its escapes, and that no template begins in it.
    fn read(string: &str) -> Option<String> {
        let inner = string.strip_prefix('"')?.strip_suffix('"')?;
        let mut text = String::new();
        let mut rest = inner;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("$${").or_else(|| rest.strip_prefix("%%{")) {
                text.extend([first, '{']);
                rest = after;
                continue;
            }
            // Anything else that begins like a template is one, or may be.
            if ["${", "%{", "$$", "%%", "\"", "\n"].iter().any(|start| rest.starts_with(start)) {
                return None;
            }
            let Some(escape) = rest.strip_prefix('\\') else {
                text.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            let (kind, after) = escape.split_at_checked(1)?;
            let digits = match kind {
                "n" | "r" | "t" | "\"" | "\\" => 0,
                "u" => 4,
                "U" => 8,
                _ => return None,
            };
            text.push(match kind {
                "n" => '\n',
                "r" => '\r',
                "t" => '\t',
                "u" | "U" => char::from_u32(u32::from_str_radix(after.get(..digits)?, 16).ok()?)?,
                other => other.chars().next()?,
            });
            rest = after.get(digits..)?;
        }
        Some(text)
    }

    proptest! {
        #[test]
        fn hcl_reads_back_what_was_meant(text in "(?s).{0,30}|[$%{}\"\\\\\n a~\u{202e}]{0,30}") {
            prop_assert_eq!(read(&string(&text)), Some(text));
        }

        #[test]
        fn labels_are_identifiers_and_differ(
            one in ("[a-z0-9]{1,3}(-[a-z0-9])?", "[a-z0-9]{1,2}([.-][a-z0-9]{1,2}){0,2}"),
            other in ("[a-z0-9]{1,3}(-[a-z0-9])?", "[a-z0-9]{1,2}([.-][a-z0-9]{1,2}){0,2}"),
        ) {
            let labels = [&one, &other].map(|(namespace, name)| label(namespace, name));
            prop_assert_eq!(labels[0] == labels[1], one == other);
            for label in labels {
                prop_assert!(label.starts_with(|c: char| c.is_ascii_lowercase() || c == '_'), "{}", label);
                prop_assert!(label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
            }
        }
    }

    /// What Terraform 1.11 was seen to read back as the text.
    #[test]
    fn templates_and_quotes_are_texts() {
        for (text, expected) in [
            ("a", r#""a""#),
            (r#"{"Version": "2012-10-17"}"#, r#""{\"Version\": \"2012-10-17\"}""#),
            ("${aws:PrincipalTag/x}", r#""$${aws:PrincipalTag/x}""#),
            ("$${a}%{b}%%{c}$", r#""\u0024$${a}%%{b}\u0025%%{c}$""#),
            ("a\n\t\\\u{1}\u{1f600}", r#""a\n\t\\\u0001\U0001f600""#),
        ] {
            assert_eq!(string(text), expected);
        }
    }
}
