//! How long lists and watches may take, and how soon they are tried again.

use std::time::Duration;

/// Objects a page. The API server ignores the size for lists with `resourceVersion=0`, and may answer those
/// from an old state: they are never asked for.
pub(super) const PAGE: u32 = 500;

/// Objects a page where only their metadata is asked for. Every page costs the API server a reading of its own:
/// 150,000 accounts took Kubernetes 1.37 nine seconds of a core in pages of 500, one or two in these, of 2 MB each,
/// and no less in pages of 10,000 or 20,000, which take more memory here.
pub(super) const METADATA_PAGE: u32 = 5000;

/// How long one page may take.
pub(super) const PAGE_LIMIT: Duration = Duration::from_secs(30);

/// How long the API server keeps a watch open.
pub(super) const WATCH: Duration = Duration::from_secs(20);

/// How much longer than [`WATCH`] a watch may be open before it counts as dead, and how long the
/// API server may take to begin one.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// A watch that ends sooner than this was cut. Only a watch that lasts shows that the API server is well: one
/// that answers lists and refuses or cuts every watch must not be asked without a pause.
pub(super) const SHORT: Duration = Duration::from_secs(1);

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
