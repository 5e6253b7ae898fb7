//! The binary, run to its end.

use std::ffi::OsStr;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::wait::within;

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the binary with nothing on standard input.
pub fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    run_with(args, &[], b"")
}

/// Runs the binary with these variables alone in its environment, and this on standard input.
pub fn run_with<A: AsRef<OsStr>>(
    args: impl IntoIterator<Item = A>,
    environment: &[(&str, &str)],
    input: &[u8],
) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pod-identity-webhook"))
            .args(args)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feed = async {
            // A program that does not read its input has closed it.
            drop(stdin.write_all(input).await);
            drop(stdin);
        };
        let ended = async { tokio::join!(feed, child.wait_with_output()).1 };
        // A program that should refuse to start may begin to serve instead.
        let output = within("the end of the run", ended).await.unwrap();
        Run {
            code: output.status.code().expect("an exit code"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    })
}

impl Run {
    /// Standard output of a run that went well and said nothing on standard error.
    #[track_caller]
    pub fn printed(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", self.stdout);
        self.stdout
    }

    /// The one line that a failed run says, without the program's name.
    #[track_caller]
    pub fn refused(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{}", self.stderr);
        let line = self.stderr.strip_prefix("pod-identity-webhook: ").expect("the program's name");
        let line = line.strip_suffix('\n').expect("a whole line");
        assert!(!line.contains('\n'), "more than a line:\n{line}");
        line.to_owned()
    }
}
