//! Texts as words of a POSIX shell, whatever they hold, for commands that print what a shell is to read.

/// The text as one word. No shell can have a character NUL in one.
pub(crate) fn word(text: &str) -> Option<String> {
    if text.contains('\0') {
        return None;
    }
    // Characters that mean nothing to any shell, wherever they stand.
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '@' | '+' | ',');
    if !text.is_empty() && text.chars().all(is_plain) {
        return Some(text.to_owned());
    }
    Some(quoted(text))
}

/// The text in quotes. It holds no NUL, as no variable of the environment does.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// The words that a shell makes of this text.
    fn words(text: &str) -> Vec<u8> {
        let script = format!("printf '%s\\0' {text}");
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        output.stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shell_reads_back_what_was_meant(
            texts in prop::collection::vec("(?s)[^\0]{0,20}|[ '\"\\\\$`!*?~#;&|<>(){}\n\t=%-]{0,20}", 1..20)
        ) {
            let text: Vec<_> = texts.iter().map(|text| word(text).unwrap()).collect();
            let expected: String = texts.iter().flat_map(|text| [text, "\0"]).collect();
            prop_assert_eq!(words(&text.join(" ")), expected.into_bytes());
        }
    }

    #[test]
    fn names_stay_as_they_are_and_everything_else_is_quoted() {
        let arn = "arn:aws:iam::111122223333:role/team/app@x";
        assert_eq!(word(arn).as_deref(), Some(arn));
        assert_eq!(word("").as_deref(), Some("''"));
        assert_eq!(word("a=b").as_deref(), Some("'a=b'"));
        assert_eq!(word("it's $HOME").as_deref(), Some(r"'it'\''s $HOME'"));
        assert_eq!(word("a\0b"), None);
    }
}
