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

/// Where a file below a mount is to the container's programs. Kubelet takes a relative mount path
/// from the root, on Windows from C: unless it names a drive; Windows parts by both slashes.
pub(super) fn file(mount: &str, file: &str, windows: bool) -> String {
    if !windows {
        return clean(&format!("/{mount}/{file}"));
    }
    let path = format!("{mount}/{file}").replace('\\', "/");
    let (drive, path) = match path.split_at_checked(2) {
        Some((drive, path)) if is_drive(drive) => (drive, path),
        _ => ("C:", path.as_str()),
    };
    let path = clean(&format!("/{path}")).replace('/', "\\");
    format!("{drive}{path}")
}

fn is_drive(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && text.ends_with(':')
}

/// Whether two mounts are in the same place.
pub(super) fn same(one: &str, other: &str, windows: bool) -> bool {
    if windows {
        return file(one, "", true).eq_ignore_ascii_case(&file(other, "", true));
    }
    // Cleaning allocates; nearly all mounts differ or agree to the letter.
    one == other
        || (needs_cleaning(one) || needs_cleaning(other)) && file(one, "", false) == file(other, "", false)
}

fn needs_cleaning(path: &str) -> bool {
    !path.starts_with('/') || path.ends_with('/') || path.contains("//") || path.contains("/.")
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
    }

    #[test]
    fn file_is_where_kubelet_mounts_it() {
        assert_eq!(file("/x/y/../z/", "token", false), "/x/z/token");
        assert_eq!(file("x/../../y", "token", false), "/y/token");
        assert_eq!(file("C:\\x", "token", false), "/C:\\x/token");
        assert_eq!(file("/x/y/", "a/token", true), "C:\\x\\y\\a\\token");
        assert_eq!(file("x", "token", true), "C:\\x\\token");
        assert_eq!(file("C:\\x\\", "token", true), "C:\\x\\token");
        assert_eq!(file("d:/x", "token", true), "d:\\x\\token");
        assert_eq!(file("é", "token", true), "C:\\é\\token");
    }

    #[test]
    fn same_place_in_other_spelling() {
        for (one, other) in [("/a/b", "/a/b/"), ("/a/./b", "/a/b"), ("a/b", "/a/b"), ("", "/")] {
            assert!(same(one, other, false), "{one} {other}");
        }
        for (one, other) in [("/a/b", "/a/bc"), ("/a/b", "/a\\b"), ("/a/b", "C:/a/b"), ("/a/b", "/A/b")] {
            assert!(!same(one, other, false), "{one} {other}");
        }
        for other in ["C:\\a\\b", "c:/a/b/", "\\a/b", "/A/B"] {
            assert!(same("/a/b", other, true), "{other}");
        }
        assert!(!same("/a/b", "D:\\a\\b", true));
    }
}
