//! The signals that the endpoint takes. It runs beside a command, as `env` and `sudo` do, so that more of them mean
//! something here than in a server: what ends or tells a command is passed on to it.

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::process::Signals;

/// A signal that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Hangup,
    Interrupt,
    Quit,
    Terminate,
    User1,
    User2,
}

/// Signals that were taken, one after the other.
#[derive(Debug)]
pub(super) struct Received(UnboundedReceiver<Taken>);

impl Taken {
    /// The same, to be sent.
    pub(super) fn signal(self) -> Signal {
        match self {
            Self::Hangup => Signal::HUP,
            Self::Interrupt => Signal::INT,
            Self::Quit => Signal::QUIT,
            Self::Terminate => Signal::TERM,
            Self::User1 => Signal::USR1,
            Self::User2 => Signal::USR2,
        }
    }

    /// Its name, if it ends an endpoint that has no command.
    fn ends(self) -> Option<&'static str> {
        match self {
            Self::Hangup => Some("SIGHUP"),
            Self::Interrupt => Some("SIGINT"),
            Self::Quit => Some("SIGQUIT"),
            Self::Terminate => Some("SIGTERM"),
            Self::User1 | Self::User2 => None,
        }
    }
}

impl Received {
    /// Takes the process's signals from now on: none of them ends it before it has removed its file.
    pub(super) fn of_process() -> std::io::Result<Self> {
        let (told, received) = mpsc::unbounded_channel();
        for (kind, taken) in [
            (SignalKind::hangup(), Taken::Hangup),
            (SignalKind::interrupt(), Taken::Interrupt),
            (SignalKind::quit(), Taken::Quit),
            (SignalKind::terminate(), Taken::Terminate),
            (SignalKind::user_defined1(), Taken::User1),
            (SignalKind::user_defined2(), Taken::User2),
        ] {
            let (mut signals, told) = (signal(kind)?, told.clone());
            tokio::spawn(async move { while signals.recv().await.is_some() && told.send(taken).is_ok() {} });
        }
        Ok(Self(received))
    }

    /// These, and then none any more.
    #[cfg(test)]
    pub(super) fn of(all: &[Taken]) -> Self {
        let (told, received) = mpsc::unbounded_channel();
        for taken in all {
            told.send(*taken).unwrap();
        }
        Self(received)
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Taken {
        match self.0.recv().await {
            Some(taken) => taken,
            None => std::future::pending().await,
        }
    }

    /// Waits for the next one that ends an endpoint without a command.
    pub(super) async fn end(&mut self) -> &'static str {
        loop {
            if let Some(name) = self.next().await.ends() {
                return name;
            }
        }
    }

    /// Those that end an endpoint without a command.
    pub(super) fn ends(self) -> Signals {
        Signals::new(futures_util::stream::unfold(self, async |mut received| {
            Some((received.end().await, received))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whatever_ends_a_program_in_a_terminal_ends_the_endpoint() {
        let all =
            [Taken::User1, Taken::Hangup, Taken::User2, Taken::Interrupt, Taken::Quit, Taken::Terminate];
        let mut ends = Received::of(&all).ends();
        for name in ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] {
            assert_eq!(ends.next().await, name);
        }
    }
}
