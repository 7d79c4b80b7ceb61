//! The signals that stop a node.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// The next signal asks for what the node does already.
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

    /// The node stops because of an order by HTTP. A signal often follows, as from Kubernetes after a `preStop` hook:
    /// it means the same order again and does not hurry the node.
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
