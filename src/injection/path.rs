//! Paths as Go's `path` package treats them, for Go's webhook writes the token file's path with it.

/// Shortest equivalent of a slash-separated path: no empty, `.` or inner `..` elements, no
/// trailing slash; empty becomes `.` (the rules of Go's `path.Clean`).
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => match kept.last() {
                Some(&last) if last != ".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(".."),
            },
            other => kept.push(other),
        }
    }
    let joined = kept.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// `directory` and `file` joined and cleaned.
pub(super) fn join(directory: &str, file: &str) -> String {
    clean(&format!("{directory}/{file}"))
}

/// Whether two paths are the same place once cleaned.
pub(super) fn same(one: &str, other: &str) -> bool {
    // Cleaning allocates; nearly all mounts differ or agree to the letter.
    one == other || (needs_cleaning(one) || needs_cleaning(other)) && clean(one) == clean(other)
}

fn needs_cleaning(path: &str) -> bool {
    path.ends_with('/') || path.contains("//") || path.contains("/.") || path.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_as_go_does() {
        for (path, expected) in [
            ("", "."),
            ("/", "/"),
            ("/x/y/../z/", "/x/z"),
            ("a//b/./c", "a/b/c"),
            ("/../a", "/a"),
            ("../../a", "../../a"),
            ("a/..", "."),
            ("/a/b/..", "/a"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
        assert_eq!(join("/x/y/../z/", "token"), "/x/z/token");
    }

    #[test]
    fn same_place_in_other_spelling() {
        assert!(same("/a/b", "/a/b/"));
        assert!(same("/a/./b", "/a/b"));
        assert!(!same("/a/b", "/a/bc"));
    }
}
