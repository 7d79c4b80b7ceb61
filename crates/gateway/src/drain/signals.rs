//! The signals that stop a node.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// The next signal says only what is being done already.
    expected: bool,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            expected: false,
        })
    }

    /// The node is stopping because somebody asked for it by other means. Who did so may well send the signal too, as
    /// Kubernetes does after a `preStop` hook; it means the same thing once more and does not hurry.
    pub(crate) fn expect_one(&mut self) {
        self.expected = true;
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            if !std::mem::take(&mut self.expected) {
                return;
            }
            tracing::info!("stopping already; another signal hurries");
        }
    }
}
