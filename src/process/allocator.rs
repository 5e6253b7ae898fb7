//! Tells the C library's allocator to give memory back after a burst: otherwise it keeps its peak for good.
//!
//! From some size on the allocator asks the system for a block of its own. It raises that size whenever such
//! a block is freed, so that after a few large bodies it keeps them all; and it has a pool for each of many
//! threads. Both are set by variables that it reads when a process begins, or by functions that safe code
//! cannot call: so the process starts itself once more. After a hundred clients with reviews of megabytes,
//! 125 MiB of 150 stayed without it, and 16 with it; other allocators had higher peaks.

use std::ffi::OsString;

/// Settings for those versions of the allocator that take any:
/// <https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html>
const TOLD: [(&str, &str); 3] = [
    // Blocks of this size or more are given back as soon as they are free. Ordinary reviews are smaller.
    ("MALLOC_MMAP_THRESHOLD_", "65536"),
    // From this much on, free memory at the end of a pool is given back.
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
    ("MALLOC_ARENA_MAX", "2"),
];

/// Variables by which an operator sets the allocator.
const OWN: [&str; 1] = ["GLIBC_TUNABLES"];

/// Marks a process that was started again. The C library removes the variables above from a binary with file
/// capabilities, which without this mark would start again for ever.
const MARK: (&str, &str) = ("POD_IDENTITY_WEBHOOK_ALLOCATOR", "told");

/// Starts the process once more, with the same arguments, unless the allocator was told already. Returns only
/// if there is nothing to tell, or no way to: then memory stays, and nothing else is amiss.
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
        // `exec` returns only if it fails.
        drop(again.arg0(name).args(arguments).envs(TOLD).envs([MARK]).exec());
    }
}
