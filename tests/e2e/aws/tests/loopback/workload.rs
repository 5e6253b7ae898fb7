//! The workloads as processes: an SDK each, with what it needs, made once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// An SDK.
#[derive(Clone, Copy, Debug)]
pub enum Sdk {
    Rust,
    Boto3,
    Go,
    Js,
}

impl Sdk {
    /// All that can be tried on this machine.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Rust, Self::Boto3];
        for (sdk, found) in [(Self::Go, go().is_some()), (Self::Js, js().is_some())] {
            if found {
                all.push(sdk);
            } else {
                eprintln!("{sdk:?} is not on this machine: its client is not tried");
            }
        }
        all
    }

    /// The workload, with nothing of this process's environment.
    pub fn command(self) -> tokio::process::Command {
        let bare = |program: &Path| {
            let mut command = tokio::process::Command::new(program);
            command.env_clear();
            command
        };
        match self {
            Self::Rust => bare(Path::new(env!("CARGO_BIN_EXE_client"))),
            Self::Boto3 => {
                let (python, packages) = python();
                let mut command = bare(python);
                command.arg("-s").arg(source("python/client.py")).env("PYTHONPATH", packages);
                command
            }
            Self::Go => bare(go().unwrap()),
            Self::Js => {
                let (node, folder) = js().unwrap();
                let mut command = bare(node);
                command.arg(folder.join("client.mjs"));
                command
            }
        }
    }
}

/// The AWS CLI, with nothing of this process's environment.
pub fn aws_cli() -> tokio::process::Command {
    let (python, packages) = python();
    let mut command = tokio::process::Command::new(python);
    command.env_clear().args(["-s", "-m", "awscli"]).env("PYTHONPATH", packages);
    command
}

/// The interpreter and the folder of boto3 and the AWS CLI.
fn python() -> &'static (PathBuf, PathBuf) {
    static PYTHON: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let interpreter = output_of("python3", &["-c", "import sys; print(sys.executable)"]);
        (interpreter.unwrap().into(), installed("python", &["../../clients/python/requirements.txt"]))
    })
}

/// The client, where there is a Go.
fn go() -> Option<&'static Path> {
    static GO: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = GO.get_or_init(|| {
        output_of("go", &["version"])?;
        let client = Path::new(env!("CARGO_TARGET_TMPDIR")).join("client-go");
        let built = Command::new(source("go/build")).arg(&client).status().unwrap();
        assert!(built.success(), "the Go client could not be built");
        Some(client)
    });
    made.as_deref()
}

/// Node and the client's folder, where there is npm.
fn js() -> Option<&'static (PathBuf, PathBuf)> {
    static JS: OnceLock<Option<(PathBuf, PathBuf)>> = OnceLock::new();
    let made = JS.get_or_init(|| {
        output_of("npm", &["--version"])?;
        let node = output_of("node", &["--print", "process.execPath"])?;
        Some((node.into(), installed("js", &["package-lock.json", "client.mjs"])))
    });
    made.as_ref()
}

/// What a program of the machine's prints, if it is there and succeeds.
fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// The folder that a language's `install` fills, under the hash of what it is filled from.
fn installed(language: &str, from: &[&str]) -> PathBuf {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for name in from {
        hash.update(&std::fs::read(source(language).join(name)).unwrap());
    }
    let key = format!("{language}-{:?}", hash.finish()).replace(':', "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(key);
    if !folder.exists() {
        let half = folder.with_extension("half");
        drop(std::fs::remove_dir_all(&half));
        let installed = Command::new(source(language).join("install")).arg(&half).status().unwrap();
        assert!(installed.success(), "the SDK for {language} could not be installed");
        std::fs::rename(half, &folder).unwrap();
    }
    folder
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
