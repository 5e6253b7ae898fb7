//! Cases through the server over TLS. Those with the same flags and the same world share a server, which is
//! started by the first of them and stopped by the last.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use libtest_mimic::Trial;
use test_support::cases::Case;
use test_support::mounted::Files;
use test_support::server::Server;
use tokio::runtime::Runtime;

use crate::{check, trial};

/// What makes servers differ: the way, their flags, and the text of their world.
type Key = (&'static str, Vec<String>, String);

/// Servers that tests will start.
pub struct Servers {
    runtime: Arc<Runtime>,
    shared: BTreeMap<Key, (Arc<Shared>, Vec<Case>)>,
}

/// The server of some cases.
struct Shared {
    args: Vec<String>,
    /// The files that `args` names, if they were made for this.
    _files: Option<Files>,
    server: OnceLock<Server>,
    runtime: Arc<Runtime>,
}

impl Default for Servers {
    fn default() -> Self {
        Self { runtime: Arc::new(Runtime::new().unwrap()), shared: BTreeMap::new() }
    }
}

impl Servers {
    /// The tests of every case: with its whole world in manifests, and, where it has associations, with those
    /// in a file that is followed. Cases of one server are neighbours, so that few servers run at a time.
    pub fn trials(mut self, cases: &[Case]) -> Vec<Trial> {
        for case in cases {
            self.add(case, "served", None);
            if let Some(files) = case.world_with_association_file() {
                self.add(case, "served-from-association-file", Some(files));
            }
        }
        let mut trials = Vec::new();
        for ((way, ..), (shared, cases)) in self.shared {
            trials.extend(cases.into_iter().map(|case| {
                let shared = shared.clone();
                trial(&case.clone(), way, move || shared.check(&case))
            }));
        }
        trials
    }

    fn add(&mut self, case: &Case, way: &'static str, files: Option<Files>) {
        let args = case.args();
        let world = std::fs::read_to_string(case.world()).unwrap();
        let runtime = self.runtime.clone();
        let make = || (Arc::new(Shared::new(case, files, runtime)), Vec::new());
        self.shared.entry((way, args, world)).or_insert_with(make).1.push(case.clone());
    }
}

impl Shared {
    fn new(case: &Case, files: Option<Files>, runtime: Arc<Runtime>) -> Self {
        let mut args = case.args();
        args.push("--shutdown-delay=0".to_owned());
        match &files {
            None => args.push(format!("--manifests={}", case.world().display())),
            Some(files) => args.extend([
                format!("--manifests={}", files.path("world.yaml").display()),
                format!("--watch-container-credentials-config={}", files.path("identities.json").display()),
            ]),
        }
        Self { args, _files: files, server: OnceLock::new(), runtime }
    }

    fn check(&self, case: &Case) -> Result<(), String> {
        let server = self.server.get_or_init(|| {
            self.runtime.block_on(async {
                let server = Server::on_manifests(&self.args).await;
                server.wait_until_ready().await;
                server
            })
        });
        let mut connection = self.runtime.block_on(server.client.connect()).unwrap();
        check::check(case, |body| {
            let answer = self.runtime.block_on(connection.post("/mutate?timeout=10s", body)).unwrap();
            assert_eq!(answer.status, 200, "{:?}", answer.body);
            assert_eq!(answer.header("content-type"), "application/json");
            answer.body.into()
        })
    }
}
