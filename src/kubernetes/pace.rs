//! How long lists and watches may take, and how soon they are tried again.

use std::time::Duration;

/// Objects a page. The API server ignores the size of `resourceVersion=0` lists and may answer them
/// from an old state, so none is asked for.
pub const PAGE: u32 = 500;

/// The same of objects of which only the metadata is asked for. Every page costs the API server a reading of its
/// own: 150,000 accounts took Kubernetes 1.37 nine seconds of a core in pages of 500, one or two in these, of 2 MB each,
/// and no less in pages of 10,000 or 20,000, which take more memory here.
pub const METADATA_PAGE: u32 = 5000;

/// How long one page may take.
pub const PAGE_LIMIT: Duration = Duration::from_secs(30);

/// How long the API server keeps a watch open.
pub const WATCH: Duration = Duration::from_secs(20);

/// How much longer than [`WATCH`] a watch may be open before it counts as dead, and how long the
/// API server may take to begin one.
pub const GRACE: Duration = Duration::from_secs(5);

/// A watch that took no longer than this was cut short. Only one that lasts tells that the peer is
/// well: one that can be listed but not watched, or that cuts its watches, must not be asked in a circle.
pub const SHORT: Duration = Duration::from_secs(1);

/// Waits after failures: the first, and the longest.
pub const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Between half and all of a wait, so that replicas do not come back in step. The clock's
/// nanoseconds are random enough for that.
#[must_use]
pub fn jittered(wait: Duration) -> Duration {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    wait / 2 + wait.mul_f64(f64::from(nanos % 1000) / 2000.0)
}
