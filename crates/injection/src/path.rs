//! Paths of a token's file and volume in a container, on either platform.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use super::go::path::clean;
use super::pod::Platform;

/// The path at which the container's programs find a file below a mount. Kubelet resolves a relative mount
/// path from the root, on Windows from C: unless it names a drive; Windows separates by both slashes.
pub(super) fn file(mount: &str, file: &str, platform: Platform) -> String {
    if platform == Platform::Linux {
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

/// A mount's place, whatever its spelling: two mounts that are in the same place have equal places.
///
/// Cleaning allocates, and nearly all paths are clean as they are written: those are borrowed.
pub(super) fn place(mount: &str, platform: Platform) -> Cow<'_, str> {
    match platform {
        Platform::Windows => Cow::Owned(file(mount, "", platform).to_ascii_lowercase()),
        Platform::Linux if needs_cleaning(mount) => Cow::Owned(file(mount, "", platform)),
        Platform::Linux => Cow::Borrowed(mount),
    }
}

/// A path at which none of `mounts` is: `wanted` itself, or the first of `wanted-2`,
/// `wanted-3`, … that is free.
///
/// Every mount is looked at once, however many of these paths are taken.
pub(super) fn free<'w, 'm>(
    wanted: &'w str,
    mounts: impl Iterator<Item = &'m str> + Clone,
    platform: Platform,
) -> Cow<'w, str> {
    let wanted_place = place(wanted, platform);
    if !mounts.clone().any(|mount| place(mount, platform) == wanted_place) {
        return Cow::Borrowed(wanted);
    }
    let taken: BTreeSet<_> = mounts.map(|mount| place(mount, platform)).collect();
    // The path is cleaned first: after a trailing slash or a `..` the suffix would lead elsewhere.
    let stem = clean(wanted);
    let mut number: usize = 2;
    loop {
        let path = format!("{stem}-{number}");
        if !taken.contains(&place(&path, platform)) {
            return Cow::Owned(path);
        }
        number += 1;
    }
}

fn needs_cleaning(path: &str) -> bool {
    !path.starts_with('/')
        || path.len() > 1 && path.ends_with('/')
        || path.contains("//")
        || path.contains("/.")
}

#[cfg(test)]
mod tests {
    use Platform::{Linux, Windows};

    use super::*;

    #[test]
    fn file_is_where_kubelet_mounts_it() {
        assert_eq!(file("/x/y/../z/", "token", Linux), "/x/z/token");
        assert_eq!(file("x/../../y", "token", Linux), "/y/token");
        assert_eq!(file("C:\\x", "token", Linux), "/C:\\x/token");
        assert_eq!(file("/x/y/", "a/token", Windows), "C:\\x\\y\\a\\token");
        assert_eq!(file("x", "token", Windows), "C:\\x\\token");
        assert_eq!(file("C:\\x\\", "token", Windows), "C:\\x\\token");
        assert_eq!(file("d:/x", "token", Windows), "d:\\x\\token");
        assert_eq!(file("é", "token", Windows), "C:\\é\\token");
    }

    fn same(one: &str, other: &str, platform: Platform) -> bool {
        place(one, platform) == place(other, platform)
    }

    #[test]
    fn same_place_in_other_spelling() {
        for (one, other) in [("/a/b", "/a/b/"), ("/a/./b", "/a/b"), ("a/b", "/a/b"), ("", "/")] {
            assert!(same(one, other, Linux), "{one} {other}");
        }
        for (one, other) in [("/a/b", "/a/bc"), ("/a/b", "/a\\b"), ("/a/b", "C:/a/b"), ("/a/b", "/A/b")] {
            assert!(!same(one, other, Linux), "{one} {other}");
        }
        for other in ["C:\\a\\b", "c:/a/b/", "\\a/b", "/A/B"] {
            assert!(same("/a/b", other, Windows), "{other}");
        }
        assert!(!same("/a/b", "D:\\a\\b", Windows));
        assert!(matches!(place("/a/b", Linux), Cow::Borrowed("/a/b")));
        assert!(matches!(place("/", Linux), Cow::Borrowed("/")));
    }

    #[test]
    fn free_path_is_the_first_that_nothing_is_mounted_at() {
        for (wanted, mounts, platform, expected) in [
            ("/a", &["/b", "/a-2"][..], Linux, "/a"),
            ("/a", &["/a"], Linux, "/a-2"),
            ("/a", &["a/", "/a-3", "/./a-2"], Linux, "/a-4"),
            ("/x/../a/", &["/a"], Linux, "/a-2"),
            ("/a", &["/A"], Linux, "/a"),
            ("/a", &["c:\\A", "\\a-2"], Windows, "/a-3"),
            ("/a", &["D:\\a"], Windows, "/a"),
        ] {
            assert_eq!(free(wanted, mounts.iter().copied(), platform), expected, "{wanted} {mounts:?}");
        }
    }
}
