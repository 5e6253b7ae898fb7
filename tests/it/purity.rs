//! The injection core is pure: nothing in `src/injection/` reaches for a runtime, a socket, a file,
//! a clock, a log, randomness, or for another part of the crate.

mod source;

use std::path::{Path, PathBuf};

use source::paths;

/// Crates that wait, talk, log or draw.
const CRATES: [&str; 26] = [
    "async_std",
    "axum",
    "chrono",
    "fastrand",
    "futures",
    "futures_util",
    "getrandom",
    "http_body_util",
    "hyper",
    "hyper_util",
    "jiff",
    "k8s_openapi",
    "kube",
    "log",
    "native_tls",
    "rand",
    "rand_core",
    "reqwest",
    "rustls",
    "socket2",
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "tower",
    "tracing",
    "tracing_subscriber",
];

/// Modules of std that do the same.
const STD: [&str; 8] = ["env", "fs", "net", "os", "process", "thread", "time", "io"];

/// What reads a clock, and what std seeds at random: two calls must give the same plan.
const NAMES: [&str; 5] = ["Instant", "SystemTime", "RandomState", "HashMap", "HashSet"];

/// Macros that write to a terminal; `panic!` and `debug_assert!` are no I/O.
const MACROS: [&str; 5] = ["print!", "println!", "eprint!", "eprintln!", "dbg!"];

/// Why a path may not stand in a module of the core.
fn objection(path: &[String]) -> Option<&'static str> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let core = ["crate", "injection"];
    match path.as_slice() {
        ["crate", ..] if !path.starts_with(&core) => Some("leaves the core"),
        // A name for the whole of std would hide what is used of it.
        ["std"] | ["std", "*"] => Some("takes all of std"),
        ["std", module, ..] if STD.contains(module) => Some("is not pure"),
        [name, ..] if CRATES.contains(name) => Some("is not pure"),
        [name] if MACROS.contains(name) => Some("writes to a terminal"),
        path if path.iter().any(|name| NAMES.contains(name)) => Some("reads a clock or draws"),
        _ => None,
    }
}

/// What stands in a source file that may not; `module` is the file's own path in the crate.
fn objections(text: &str, module: &[&str]) -> Vec<String> {
    let found = paths(text, module);
    let told = |path: &Vec<String>| Some(format!("{} {}", path.join("::"), objection(path)?));
    found.iter().filter_map(told).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The path of the module that a file below `src/` holds.
fn module_of(file: &Path) -> Vec<&str> {
    let stem = file.with_extension("");
    let depth = stem.components().count();
    let is_mod = file.ends_with("mod.rs");
    let names = file.iter().take(depth - usize::from(is_mod)).map(|name| name.to_str().unwrap());
    std::iter::once("crate").chain(names.map(|name| name.trim_end_matches(".rs"))).collect()
}

#[test]
fn injection_core_is_pure() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source.join("injection"), &mut files);
    assert!(files.len() >= 15, "the core is gone: {files:?}");
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let inside = file.strip_prefix(&source).unwrap();
        for objection in objections(&text, &module_of(inside)) {
            found.push(format!("{}: {objection}", file.display()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn module_paths_follow_the_files() {
    assert_eq!(module_of(Path::new("injection/plan/mod.rs")), ["crate", "injection", "plan"]);
    assert_eq!(module_of(Path::new("injection/plan/volume.rs")), ["crate", "injection", "plan", "volume"]);
}

fn caught(text: &str) -> Vec<String> {
    objections(text, &["crate", "injection", "plan"])
}

#[test]
fn what_is_not_pure_is_caught_however_it_is_written() {
    for text in [
        "use tokio;",
        "use ::tokio::time::sleep;",
        "use tokio_rustls::rustls as tls;",
        "extern crate tracing as t;",
        "#[tokio::main] async fn f() {}",
        "fn f() { tracing::info!(\"x\"); }",
        "fn f() { ::kube::Client::try_default(); }",
        "use std::{fmt, fs};",
        "use std::{fmt, net::{self, IpAddr}};",
        "use std::{borrow::Cow, {env as e}};",
        "use {std::thread, std::fmt};",
        "use std::*;",
        "use std as s;",
        "use std::{self as s};",
        "use r#std::r#fs;",
        "use std :: /* here */ fs;",
        "use std::\n    fs::File;",
        "fn f() { let x = std::fs::read(\"x\"); }",
        "fn f() -> std::io::Result<()> { Ok(()) }",
        "fn f<T: Into<std::net::IpAddr>>(x: T) {}",
        "fn f() { let x = <std::time::Duration>::default(); }",
        "fn f(x: u8) { match x { b'\\'' => std::process::exit(1), _ => {} } }",
        "fn f<'a>(x: &'a str) { std::env::var(x); }",
        "fn f() { let x = r#\"a \" b\"#; std::env::var(x); }",
        "use core::time::Instant;",
        "fn f() { SystemTime::now(); }",
        "use std::collections::hash_map::RandomState;",
        "use std::collections::HashMap;",
        "fn f() { println!(\"x\"); }",
        "use rand::random;",
        "use crate::identities::Found;",
        "use crate::{injection::Pod, metrics};",
        "fn f() { crate::telemetry::init(); }",
        "use super::super::metrics;",
        "mod tests { use super::super::super::metrics; }",
        "mod tests { fn f() { super::super::super::metrics::f(); } }",
        "pub(in crate::identities) fn f() {}",
        "macro_rules! m { () => { std::fs::read(\"x\") } }",
        "fn f() { } /* unfinished \" */ use std::fs;",
        "// use nothing\nuse std::fs;",
        "fn f() { let x = \"\\\\\"; std::fs::read(x); }",
    ] {
        assert_ne!(caught(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_is_pure_is_let_through() {
    for text in [
        "",
        "use std::{borrow::Cow, fmt::{self, Write}};",
        "use super::pod::env;\nfn f() { env::REGION; }",
        "use super::Slot;",
        "mod tests { use super::*; use super::super::super::injection::Pod; }",
        "mod one { } mod two { use super::super::Slot; }",
        "use crate::injection::{Pod, review};",
        "// use std::fs;",
        "/// Reads with `std::fs::read`.\nfn f() {}",
        "//! Nothing of tokio::time.",
        "/* use std::fs; /* nested */ use std::net; */",
        "fn f() { let x = \"use std::fs;\"; }",
        "fn f() { let x = \"a\\\" use std::fs;\"; }",
        "fn f() { let x = r#\"std::fs::read(\"x\")\"#; }",
        "fn f() { let x = b\"std::fs\"; let y = br\"std::fs\"; }",
        "fn f() { let tokio = 1; let x = tokio + 1; }",
        "fn f() { self.log.time(); }",
        "fn f<'std>(x: &'std str) { let c = '\"'; let d = '\\''; let fs = \"std::fs\"; }",
        "mod deep { pub(in super::super) struct X; }",
        "pub(crate) fn f() {}",
        "enum Thread { Env }\nfn f() { Thread::Env; }",
        "fn f() { panic!(\"x\"); debug_assert!(true); }",
    ] {
        assert_eq!(caught(text), Vec::<String>::new(), "{text}");
    }
}
