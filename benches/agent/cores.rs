//! One core for what is measured, another for who asks.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Two cores of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    measured: usize,
    asking: usize,
}

impl Cores {
    /// The first two that may be used; this thread takes the second.
    pub fn take() -> Self {
        let allowed = sched_getaffinity(None).unwrap();
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let (Some(measured), Some(asking)) = (cores.next(), cores.next()) else {
            eprintln!("bench-agent needs two cores: one for the agent, one for who asks it");
            std::process::exit(2);
        };
        pin(asking);
        Self { measured, asking }
    }

    /// Does what starts a process, which is then on the measured core alone.
    pub fn measured<T>(self, start: impl FnOnce() -> T) -> T {
        pin(self.measured);
        let started = start();
        pin(self.asking);
        started
    }
}

fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).unwrap();
}

/// A thousand pods have a connection each, and so have their tokens' reviews and calls.
pub fn raise_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit { current: maximum.or(Some(1 << 16)), maximum };
    setrlimit(Resource::Nofile, limit).unwrap();
}
