//! Tasks that live as long as the process.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{self, JoinError, JoinSet};

/// Tasks that live as long as the process. One that ends before it was told to is a bug that must not go
/// unseen: the process ends, and Kubernetes starts it anew.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<()>,
    names: HashMap<task::Id, &'static str>,
}

/// A task that was started, to wait for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task(task::Id);

impl Tasks {
    /// Starts a task under a name for the log.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Task {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name);
        Task(id)
    }

    /// Waits for the next task that ends: which, its name, and the panic if it ended by one.
    async fn next_end(&mut self) -> Option<(Task, &'static str, Result<(), JoinError>)> {
        let (id, result) = match self.set.join_next_with_id().await? {
            Ok((id, ())) => (id, Ok(())),
            Err(error) => (error.id(), Err(error)),
        };
        Some((Task(id), self.names.remove(&id).unwrap_or("without a name"), result))
    }

    /// Waits for the first task that ends, and says which and how.
    pub async fn first_end(&mut self) -> String {
        match self.next_end().await {
            // Without any task, nothing can end.
            None => std::future::pending().await,
            Some((_, name, Ok(()))) => format!("task {name} ended"),
            Some((_, name, Err(error))) => format!("task {name} failed: {error}"),
        }
    }

    /// Waits until all of these tasks have ended, while others may go on; whether none of them failed.
    pub async fn ended(&mut self, mut left: Vec<Task>) -> bool {
        let mut is_well = true;
        while !left.is_empty() {
            let Some((task, name, result)) = self.next_end().await else {
                return is_well;
            };
            left.retain(|waited_for| *waited_for != task);
            if let Err(error) = result {
                tracing::error!(name, %error, "task failed");
                is_well = false;
            }
        }
        is_well
    }
}
