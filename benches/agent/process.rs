//! A process that is measured: an agent or the floor. It is ended when it is dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use tokio::time::sleep;

use crate::cluster::{Cluster, NODE, Pod};
use crate::cores::Cores;
use crate::eks_auth::EksAuth;
use crate::floor;
use crate::load::Connection;

/// How long a process may take until it answers.
const START: Duration = Duration::from_secs(20);

/// The addresses of an agent: as many listeners as it has on a node.
const HOSTS: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];

/// A running process.
pub struct Process {
    child: Child,
    /// Where it answers.
    pub addresses: Vec<SocketAddr>,
}

/// An agent that can be started.
pub struct Agent<'a> {
    /// Its program, which takes the arguments of AWS's agent.
    pub program: &'a Path,
    /// What it takes besides.
    pub flags: Vec<String>,
    /// A folder of its own.
    pub home: &'a Path,
}

impl Process {
    /// Starts an agent, and waits until it has answered this pod.
    pub async fn agent(agent: &Agent<'_>, cores: Cores, cluster: &Cluster, aws: &EksAuth, pod: &Pod) -> Self {
        let Agent { program, flags, home } = agent;
        let [port, probes, metrics] = ports();
        let log = home.join("log");
        let mut command = Command::new(program);
        command
            .arg("server")
            .arg("--cluster-name=prod")
            .arg(format!("--endpoint=http://{}", aws.address))
            .arg(format!("--bind-hosts={}", HOSTS.map(|host| host.to_string()).join(",")))
            .arg(format!("--port={port}"))
            .arg(format!("--probe-port={probes}"))
            .arg("--metrics-address=127.0.0.1")
            .arg(format!("--metrics-port={metrics}"))
            .args(flags)
            // Nothing of this machine's AWS, Kubernetes or proxies.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("NODE_NAME", NODE)
            // For a program that only wraps another, which needs a flag to find the API server.
            .env("API_SERVER", cluster.api.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap());
        let child = cores.measured(|| command.spawn());
        let child = child.unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let addresses = HOSTS.map(|host| SocketAddr::from((host, port))).to_vec();
        let process = Self { child, addresses };
        if process.answer_to(pod).await.is_none() {
            let log = fs::read_to_string(log).unwrap_or_default();
            panic!("{} has not answered within {START:?}:\n{log}", program.display());
        }
        process
    }

    /// Starts the floor, which answers with this body, and waits until it answers this pod.
    pub async fn floor(home: &Path, cores: Cores, body: &[u8], pod: &Pod) -> Self {
        let [port, ..] = ports();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let file = home.join("body");
        fs::write(&file, body).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(floor::ARGUMENT).arg(address.to_string()).arg(file);
        let process = Self { child: cores.measured(|| command.spawn()).unwrap(), addresses: vec![address] };
        process.answer_to(pod).await.unwrap();
        process
    }

    /// Where pods ask.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The body of the answer to this pod, once there is one.
    pub async fn answer_to(&self, pod: &Pod) -> Option<Bytes> {
        let began = Instant::now();
        while began.elapsed() < START {
            if let Ok(mut connection) = Connection::open(pod.address, self.address()).await
                && let Ok(answer) = connection.ask(&pod.kept).await
                && answer.status == 200
            {
                return Some(answer.body);
            }
            sleep(Duration::from_millis(100)).await;
        }
        None
    }

    /// The processor's time that its threads have taken.
    pub fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let time = |thread: fs::DirEntry| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(threads.flatten().filter_map(time).sum())
    }

    /// The memory that it takes, in bytes.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Ports that are free at this moment.
fn ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap());
    listeners.each_ref().map(|listener| listener.local_addr().unwrap().port())
}
