//! The real binary in a process of its own: its log, its signals, its exit code.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::client::{self, Answer, Client};
use super::reviews::WORLD;
use super::wait::until;

/// The program, whose arguments follow.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_pod-identity-webhook");

/// A process that was started; killed when it is dropped.
pub struct Starting {
    child: Child,
    log: Log,
}

/// A process that serves.
pub struct Process {
    pub address: SocketAddr,
    pub metrics_address: SocketAddr,
    pub client: Client,
    started: Starting,
}

/// What was written to standard error so far; `ended` once there will be no more.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Read>>);

#[derive(Default)]
struct Read {
    lines: Vec<String>,
    has_ended: bool,
    is_stopped: bool,
}

impl Log {
    fn follow(&self, source: impl std::io::Read + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(source).split(b'\n');
            while !log.read().is_stopped {
                let Some(line) = lines.next() else {
                    log.read().has_ended = true;
                    return;
                };
                let line = String::from_utf8_lossy(&line.unwrap()).into_owned();
                log.read().lines.push(line);
            }
            // The pipe stays open, so that the writer does not learn that nothing reads.
            while log.read().is_stopped {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        });
    }

    fn read(&self) -> std::sync::MutexGuard<'_, Read> {
        self.0.lock().unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.read().lines.clone()
    }

    fn has_ended(&self) -> bool {
        let read = self.read();
        read.has_ended || read.is_stopped
    }

    fn stop(&self) {
        self.read().is_stopped = true;
    }
}

impl Starting {
    /// Starts on free ports of the loopback address.
    pub fn spawn(args: &[&str]) -> Self {
        Self::spawn_with(args, &[])
    }

    /// The same with these variables in its environment, and no others.
    pub fn spawn_with(args: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn_by(&mut Command::new(PROGRAM), args, environment)
    }

    /// Starts it by a command that ends with the program and sets something up for it.
    pub fn spawn_by(command: &mut Command, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let free = ["--bind-address=127.0.0.1", "--port=0", "--metrics-port=0"];
        Self::start(command.args(free).args(args).env_clear().envs(environment.iter().copied()))
    }

    /// Starts a subcommand of it with these arguments alone, and nothing in its environment.
    pub fn spawn_subcommand(args: &[&str]) -> Self {
        Self::start(Command::new(PROGRAM).args(args).env_clear())
    }

    fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        log.follow(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let arguments = [format!("-{name}"), self.child.id().to_string()];
        assert!(Command::new("kill").args(arguments).status().unwrap().success());
    }

    /// Waits for the end of the process and of its log.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the process ends", async || {
            let status = self.child.try_wait().unwrap()?;
            self.log.has_ended().then_some(status)
        })
        .await
    }

    /// What was logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Process {
    /// Serves the small world of `reviews.rs`, with a certificate made in memory.
    pub async fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[]).await
    }

    /// The same with these variables in its environment, and no others.
    pub async fn start_with(args: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_by(&mut Command::new(PROGRAM), args, environment).await
    }

    /// The same with a certificate that the arguments name, of this authority.
    pub async fn with_authority(args: &[&str], authority: &str) -> Self {
        Self::spawn(args, &[], || authority.to_owned()).await
    }

    async fn spawn(args: &[&str], environment: &[(&str, &str)], authority: impl FnOnce() -> String) -> Self {
        Self::spawn_by(&mut Command::new(PROGRAM), args, environment, authority).await
    }

    /// Serves with a certificate made in memory, started by a command that ends with the program.
    pub async fn start_by(command: &mut Command, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let authority = folder.path().join("ca.crt");
        let out = format!("--tls-ca-out={}", authority.display());
        let args: Vec<_> = args.iter().copied().chain([out.as_str()]).collect();
        Self::spawn_by(command, &args, environment, || std::fs::read_to_string(authority).unwrap()).await
    }

    async fn spawn_by(
        command: &mut Command,
        args: &[&str],
        environment: &[(&str, &str)],
        authority: impl FnOnce() -> String,
    ) -> Self {
        let args: Vec<_> = args.iter().copied().chain([WORLD]).collect();
        let process = Starting::spawn_by(command, &args, environment);
        let line = until("the process serves", async || {
            let lines = process.log();
            assert!(!process.log.has_ended(), "the process ended: {lines:#?}");
            lines.into_iter().find(|line| line.contains(" serving address="))
        })
        .await;
        let address = |name: &str| -> SocketAddr {
            line.split(' ').find_map(|word| word.strip_prefix(name)).unwrap().parse().unwrap()
        };
        let (address, metrics_address) = (address("address="), address("metrics_address="));
        let client = Client::new(address, &authority());
        Self { address, metrics_address, client, started: process }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.started.terminate();
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        self.started.signal(name);
    }

    /// Stops reading its log, which is kept open.
    pub fn stop_reading(&self) {
        self.started.log.stop();
    }

    /// Waits for the end of the process and of its log.
    pub async fn ended(&mut self) -> ExitStatus {
        self.started.ended().await
    }

    /// What was logged so far.
    pub fn log(&self) -> Vec<String> {
        self.started.log()
    }

    /// Waits for a line of the log that holds this.
    pub async fn logged(&self, text: &str) -> String {
        until(text, async || self.log().into_iter().find(|line| line.contains(text))).await
    }

    /// How many file descriptors the process has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.started.child.id())).unwrap().count()
    }

    /// The bytes of memory that the process has in use.
    pub fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.started.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
    }

    /// What a probe or metrics path says.
    pub async fn admin(&self, path: &str) -> Answer {
        client::get_plain(self.metrics_address, path).await
    }

    /// The value of one line of the metrics, `None` if there is no such line.
    pub async fn metric(&self, name_and_labels: &str) -> Option<f64> {
        client::metric(self.metrics_address, name_and_labels).await
    }
}
