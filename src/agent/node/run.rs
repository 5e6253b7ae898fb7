//! What the two verbs do, in order, and how they end. Called by `agent::serve`.

use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::super::args::{InitializeArgs, TeardownArgs};
use super::error::{Failures, NodeError};
use super::kernel::{Change, Kernel, with_kernel};
use super::link::{Kind, LinkName};
use super::plan::{self, Wanted};
use super::progress::Progress;
use super::removal::removal;
use super::state::Family;
use crate::cli::exit::{fail, print, say};

/// How long all requests may take together. Each takes under a millisecond; the kernel may load a module for the first.
const LIMIT: Duration = Duration::from_secs(5);

/// How often the node is looked at. Four times are enough: link, addresses, routes, and to see that nothing is missing.
/// The others are for changes that come from elsewhere meanwhile.
const ROUNDS: u8 = 8;

/// Makes what is missing of the link, its addresses and routes.
pub(in super::super) fn initialize(args: &InitializeArgs) -> ExitCode {
    let InitializeArgs { link, link_type } = args;
    let wanted = Wanted { name: link.clone(), link_type: *link_type, families: Family::ALL.to_vec() };
    match within_limit(async move |kernel| arrange(&kernel, wanted).await) {
        Ok((progress, kind)) => {
            let summary = progress.summary(&kind);
            for note in progress.notes(&kind) {
                say(note);
            }
            print(&format!("{summary}\n"))
        }
        Err(failures) => explain(failures),
    }
}

/// Removes the link if `initialize` has made it.
pub(in super::super) fn teardown(args: &TeardownArgs) -> ExitCode {
    let TeardownArgs { link: name } = args;
    let asked = name.clone();
    match within_limit(async move |kernel| remove(&kernel, &asked).await) {
        Ok(Some(kind)) => print(&format!("removed: link {name} ({kind}) with its addresses and routes\n")),
        Ok(None) => print(&format!("nothing to do: there is no link {name}\n")),
        Err(failures) => explain(failures),
    }
}

async fn arrange(kernel: &Kernel, wanted: Wanted) -> Result<(Progress, Kind), Failures> {
    let mut progress = Progress::new(wanted);
    for _ in 0..ROUNDS {
        let state = kernel.read(&progress.wanted.name).await?;
        let steps = plan::next(&progress.wanted, &state)?;
        if let (true, Some(link)) = (steps.is_empty(), state.link) {
            return Ok((progress, link.kind));
        }
        for step in steps {
            match kernel.change(&progress.wanted, step).await {
                Ok(Change::Made) => progress.made(step),
                Ok(Change::WasThere) => {}
                Err(error) => progress.refused(step, error)?,
            }
        }
    }
    Err(NodeError::Undone.into())
}

async fn remove(kernel: &Kernel, name: &LinkName) -> Result<Option<Kind>, Failures> {
    let state = kernel.read(name).await?;
    let Some(link) = removal(name, &state).map_err(NodeError::from)? else { return Ok(None) };
    kernel.remove(name, link.index).await?;
    Ok(Some(link.kind.clone()))
}

/// Works in a thread of its own, and waits for it as long as the limit says: the kernel does what netlink asks for
/// within the call that sends the request, and there it may load a module or wait for a lock, while no timer of that
/// thread runs.
fn within_limit<T: Send + 'static>(
    work: impl AsyncFnOnce(Kernel) -> Result<T, Failures> + Send + 'static,
) -> Result<T, Failures> {
    let (end, ended) = mpsc::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let result = match runtime {
            Ok(runtime) => runtime.block_on(with_kernel(work)),
            Err(error) => Err(NodeError::Thread(error).into()),
        };
        // Nobody waits for it any more once the limit has passed.
        drop(end.send(result));
    };
    thread::Builder::new().name("netlink".to_owned()).spawn(run).map_err(NodeError::Thread)?;
    match ended.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(NodeError::TimedOut(LIMIT).into()),
        Err(RecvTimeoutError::Disconnected) => Err(NodeError::Closed.into()),
    }
}

/// Says each failure in a line.
fn explain(Failures(errors): Failures) -> ExitCode {
    for error in errors {
        fail(&error.into());
    }
    ExitCode::FAILURE
}
