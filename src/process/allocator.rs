//! Tells the C library's allocator to give memory back after a burst: it keeps its peak for good else.
//!
//! It raises the size from which on it asks the system for a block of its own whenever such a block is
//! freed, so that after a few large bodies it keeps them all; and it has a pool for each of many threads.
//! Both are settled by variables that it reads when a process begins, and by functions that safe code
//! cannot call: so the process begins once more. Of a hundred clients with reviews of megabytes, 125 MiB
//! of 150 stayed without it, and 16 with it; other allocators had higher peaks.

use std::ffi::OsString;

/// What the allocator is told, for those of its versions that are told anything:
/// <https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html>
const TOLD: [(&str, &str); 3] = [
    // Blocks from here on are given back as soon as they are free. Ordinary reviews are smaller.
    ("MALLOC_MMAP_THRESHOLD_", "65536"),
    // What is free at the end of a pool is given back from here on.
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
    ("MALLOC_ARENA_MAX", "2"),
];

/// Variables by which an operator has told it something himself.
const OWN: [&str; 1] = ["GLIBC_TUNABLES"];

/// Says that it was told. Of a binary with file capabilities the C library takes the variables above away, and
/// without a mark of our own it would begin again for ever.
const MARK: (&str, &str) = ("POD_IDENTITY_WEBHOOK_ALLOCATOR", "told");

/// Begins the process once more, with the same arguments, unless the allocator was told already. Comes
/// back only if there is nothing to tell, or no way to: then memory stays, and nothing else is amiss.
pub(crate) fn tell(arguments: &[OsString]) {
    let mut told = TOLD.iter().map(|(name, _)| name).chain(&OWN).chain([&MARK.0]);
    let is_told = told.any(|name| std::env::var_os(name).is_some());
    if cfg!(not(all(target_os = "linux", target_env = "gnu"))) || is_told {
        return;
    }
    #[cfg(unix)]
    if let (Ok(program), [name, arguments @ ..]) = (std::env::current_exe(), arguments) {
        use std::os::unix::process::CommandExt;
        let mut again = std::process::Command::new(program);
        // Comes back only where it fails.
        drop(again.arg0(name).args(arguments).envs(TOLD).envs([MARK]).exec());
    }
}
