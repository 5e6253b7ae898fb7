//! Files of both kinds, by the test's clock, which goes on only while every task waits.

use std::fs;
use std::os::unix::fs::symlink;

use test_support::mounted::Files;
use tokio::time::sleep;

use super::*;
use crate::process::Readiness;
use crate::source::Metrics;
use crate::telemetry::Registry;

const NAME: &str = "letters";

/// The time within which a change takes effect.
const IN_TIME: Duration = Duration::from_secs(2);

/// Letters `a` to `c` and a full stop. Without `MAY_PASS` a part without the stop is refused, and a missing
/// file has no letters; with it such a part passes, and a missing file is an error.
struct Letters<const MAY_PASS: bool>(String);

#[derive(Debug, thiserror::Error)]
#[error("not a few letters")]
struct NotLetters;

impl<const MAY_PASS: bool> FileFormat for Letters<MAY_PASS> {
    type Set = String;
    type Error = NotLetters;

    const WHAT: &'static str = "letters";
    const LIMIT: u64 = 1 << 20;
    const PARTS: Parts = if MAY_PASS { Parts::MayPass } else { Parts::AreRefused };

    fn parse(bytes: &[u8]) -> Result<Self, NotLetters> {
        let text = str::from_utf8(bytes).map_err(|_| NotLetters)?.trim_end();
        let letters = text.strip_suffix('.').or(MAY_PASS.then_some(text)).ok_or(NotLetters)?;
        let is_good = letters.bytes().all(|letter| (b'a'..=b'c').contains(&letter));
        is_good.then(|| Self(letters.to_owned())).ok_or(NotLetters)
    }

    fn nothing() -> Option<Self> {
        (!MAY_PASS).then(|| Self(String::new()))
    }

    fn into_set(self) -> (String, Option<Complaint>) {
        (self.0, None)
    }
}

/// A file that is followed.
struct Followed {
    files: Files,
    source: Arc<Source<String>>,
    registry: Registry,
}

impl Followed {
    fn start<const MAY_PASS: bool>(files: Files) -> Self {
        let registry = Registry::new().unwrap();
        let metrics = Metrics::new(&registry).unwrap();
        let source = Source::new(NAME, String::len, &Readiness::default(), &metrics);
        tokio::spawn(follow::<Letters<MAY_PASS>>(files.path(NAME), source.clone()));
        Self { files, source, registry }
    }

    /// Checks what is in effect after this long.
    #[track_caller]
    fn after(&self, wait: Duration, expected: Option<&str>) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            sleep(wait).await;
            let current = self.source.current();
            assert_eq!(current.as_ref().map(|set| set.as_str()), expected, "at {place}");
        }
    }

    fn errors(&self) -> f64 {
        let metric = "pod_identity_webhook_source_errors_total{source=\"letters\"} ";
        let text = self.registry.scrape().unwrap();
        text.lines().find_map(|line| line.strip_prefix(metric)).unwrap().parse().unwrap()
    }
}

async fn follows_every_way_of_writing<const MAY_PASS: bool>() {
    let followed = Followed::start::<MAY_PASS>(Files::mounted(&[(NAME, "a.")]));
    let files = &followed.files;
    followed.after(IN_TIME, Some("a")).await;
    files.swap("..2026_2", &[(NAME, "b.")]);
    followed.after(IN_TIME, Some("b")).await;
    // The file is written through the link, then put in the link's place.
    files.rewrite(NAME, "c.");
    followed.after(IN_TIME, Some("c")).await;
    files.rename_over(NAME, "ab.");
    followed.after(IN_TIME, Some("ab")).await;
    files.rewrite(NAME, ".");
    followed.after(IN_TIME, Some("")).await;
}

#[tokio::test(start_paused = true)]
async fn every_change_counts_within_two_seconds() {
    follows_every_way_of_writing::<false>().await;
    follows_every_way_of_writing::<true>().await;
}

#[tokio::test(start_paused = true)]
async fn file_that_is_away_for_two_looks_is_nothing_where_that_may_be() {
    let followed = Followed::start::<false>(Files::plain(&[]));
    followed.after(IN_TIME, Some("")).await;
    for text in ["a.", "b."] {
        followed.files.rewrite(NAME, text);
        followed.after(IN_TIME, Some(&text[..1])).await;
        fs::remove_file(followed.files.path(NAME)).unwrap();
        followed.after(IN_TIME, Some("")).await;
        followed.files.rewrite(NAME, " \n");
        followed.after(IN_TIME, Some("")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn file_that_is_empty_or_away_for_a_moment_loses_nothing() {
    let followed = Followed::start::<false>(Files::plain(&[(NAME, "a.")]));
    followed.after(Duration::from_millis(200), Some("a")).await;
    // No two looks in a row see the same fault.
    for text in ["", "a.", "  \n", "a.", "", "!", "", "a."] {
        followed.files.rewrite(NAME, text);
        followed.after(POLL, Some("a")).await;
    }
    fs::remove_file(followed.files.path(NAME)).unwrap();
    followed.after(POLL, Some("a")).await;
    followed.files.rewrite(NAME, "b.");
    followed.after(POLL, Some("b")).await;
}

#[tokio::test(start_paused = true)]
async fn file_that_is_written_in_pieces_counts_as_a_whole_where_a_part_may_pass() {
    let followed = Followed::start::<true>(Files::plain(&[(NAME, "c.")]));
    followed.after(IN_TIME, Some("c")).await;
    for text in ["", "a", "ab."] {
        followed.files.rewrite(NAME, text);
        followed.after(POLL, Some("c")).await;
    }
    followed.after(POLL, Some("ab")).await;
}

/// Whatever happens to the file, its last contents stay in effect, and every look at it is an error.
async fn keeps_what_could_be_read<const MAY_PASS: bool>() {
    let followed = Followed::start::<MAY_PASS>(Files::plain(&[(NAME, "a.")]));
    let (files, path) = (&followed.files, followed.files.path(NAME));
    let make_pipe = || assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let bad: [(&str, &dyn Fn()); 9] = [
        // The first two are errors for one of the two kinds only.
        ("nothing", &|| ()),
        ("blanks", &|| files.rewrite(NAME, " \n")),
        ("other text", &|| files.rewrite(NAME, "b!")),
        ("NUL bytes", &|| files.rewrite(NAME, &"\0".repeat(4096))),
        ("no UTF-8", &|| fs::write(&path, b"\xff\xfe{\0}\0").unwrap()),
        ("too large", &|| fs::File::create(&path).unwrap().set_len((1 << 20) + 1).unwrap()),
        ("a folder", &|| fs::create_dir(&path).unwrap()),
        ("a pipe", &make_pipe),
        ("a link to itself", &|| symlink(&path, &path).unwrap()),
    ];
    for (what, make) in bad.into_iter().skip(if MAY_PASS { 0 } else { 2 }) {
        followed.after(IN_TIME, Some("a")).await;
        let before = followed.errors();
        drop(fs::remove_dir(&path).or_else(|_| fs::remove_file(&path)));
        make();
        followed.after(Duration::from_mins(1), Some("a")).await;
        assert!(followed.errors() > before + 100.0, "{what}: {}", followed.errors());
        drop(fs::remove_dir(&path).or_else(|_| fs::remove_file(&path)));
        files.rewrite(NAME, "a.");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_cannot_be_read_replaces_what_could() {
    keeps_what_could_be_read::<false>().await;
    keeps_what_could_be_read::<true>().await;
}

#[tokio::test(start_paused = true)]
async fn file_that_cannot_be_read_at_the_start_is_no_set() {
    let followed = Followed::start::<true>(Files::plain(&[]));
    for text in ["", "!", "a!"] {
        followed.files.rewrite(NAME, text);
        followed.after(Duration::from_mins(1), None).await;
    }
    followed.files.rewrite(NAME, "a");
    followed.after(IN_TIME, Some("a")).await;
}
