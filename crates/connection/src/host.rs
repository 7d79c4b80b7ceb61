//! What surrounds a connection: its node, and those who count it.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_cluster::Node;
use switchboard_cluster::guard::{Panicked, caught_in};
use switchboard_protocol::{CloseCode, PeerId, ServerMessage};
use switchboard_session::{Closing, Rule, Rules};
use tokio_util::task::TaskTracker;

use crate::ice::IceServers;
use crate::media::MediaServers;

/// What all connections of a node share.
pub struct Host {
    /// Their node.
    pub node: Node,
    /// What holds for their sessions.
    pub rules: Arc<Rules>,
    /// What their clients reach one another by.
    pub ice: Arc<dyn IceServers>,
    /// Where the media of their rooms goes.
    pub media: Box<dyn MediaServers>,
    /// Who is told what they do.
    pub observe: Arc<dyn Observe>,
    /// Connections, and what they leave behind.
    pub tasks: TaskTracker,
    panickers: Panickers,
}

/// A connection's place in its gateway, given back when it is dropped.
pub trait Seat: Send {
    /// A hello came that is to be answered by `welcome`: the connection counts as a session from now on. An error: there are
    /// as many as there may be, or they come too fast. A session that could not be resumed is asked for again, as a new one;
    /// what was new before counts once.
    fn admit(&mut self, coming: Coming) -> Result<(), Closing>;

    /// The session `peer` is welcomed. `resumes`: it can go on over another connection.
    fn welcomed(&mut self, peer: &PeerId, resumes: bool);
}

/// Which session a hello is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coming {
    /// One of its own, or one that it may not have.
    New,
    /// One that is there already and goes on over this connection: it has shown its secret.
    Resuming,
}

/// Is told what connections do, for metrics.
pub trait Observe: Send + Sync {
    /// A connection begins.
    fn opened(&self) {}

    /// A connection of this dialect enters a phase.
    fn entered(&self, dialect: &'static str, phase: Phase) {
        let _ = (dialect, phase);
    }

    /// It leaves the phase.
    fn left(&self, dialect: &'static str, phase: Phase) {
        let _ = (dialect, phase);
    }

    /// A session answers its client by itself.
    fn answered(&self, message: &ServerMessage) {
        let _ = message;
    }

    /// A limit refused something.
    fn limited(&self, rule: Rule) {
        let _ = rule;
    }

    /// A connection ends: by this side with a code, or by its client.
    fn closed(&self, code: Option<CloseCode>) {
        let _ = code;
    }

    /// Something that belongs to a connection panicked.
    fn panicked(&self) {}
}

impl Observe for () {}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has not been welcomed.
    AwaitingHello,
    /// It carries a session.
    Live,
}

/// Counts a connection in a phase for as long as it is there.
pub(crate) struct InPhase {
    observe: Arc<dyn Observe>,
    dialect: &'static str,
    phase: Phase,
}

impl InPhase {
    pub(crate) fn new(host: &Host, dialect: &'static str, phase: Phase) -> Self {
        host.observe.entered(dialect, phase);
        Self {
            observe: host.observe.clone(),
            dialect,
            phase,
        }
    }
}

impl Drop for InPhase {
    fn drop(&mut self) {
        self.observe.left(self.dialect, self.phase);
    }
}

impl Host {
    /// What surrounds the connections of `node`.
    pub fn new(
        node: Node,
        rules: Arc<Rules>,
        ice: Arc<dyn IceServers>,
        media: impl MediaServers + 'static,
        observe: Arc<dyn Observe>,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            node,
            rules,
            ice,
            media: Box::new(media),
            observe,
            tasks,
            panickers: Panickers::default(),
        }
    }

    /// Starts something that belongs to a connection. A panic in it ends it alone.
    pub(crate) fn spawn(self: &Arc<Self>, run: impl Future<Output = ()> + Send + 'static) {
        let (host, mut run) = (self.clone(), Box::pin(run));
        self.tasks.spawn(async move {
            let _ = host.guarded(run.as_mut()).await;
        });
    }

    /// Does what may panic, and counts it.
    pub(crate) async fn guarded<F: Future + Unpin>(&self, run: F) -> Result<F::Output, Panicked> {
        let done = caught_in(pin!(run)).await;
        done.inspect_err(|_| self.observe.panicked())
    }

    /// A session's connection panicked. True: not for the first time.
    pub(crate) fn note_panic(&self, session: PeerId) -> bool {
        self.panickers.note(session)
    }
}

/// Sessions of which a connection has panicked. Those of long ago are forgotten: of each the next panic counts as the
/// first.
#[derive(Default)]
struct Panickers(Mutex<VecDeque<PeerId>>);

/// Of which it knows.
const PANICKERS_MAX: usize = 1024;

impl Panickers {
    fn note(&self, session: PeerId) -> bool {
        let mut known = self.0.lock();
        let again = known.contains(&session);
        if !again {
            known.truncate(PANICKERS_MAX - 1);
            known.push_front(session);
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_panic_of_a_session_is_known_as_such_and_few_are_remembered() {
        let (panickers, peer) = (Panickers::default(), PeerId::random());
        assert!(!panickers.note(peer));
        assert!(panickers.note(peer));
        for _ in 0..PANICKERS_MAX {
            assert!(!panickers.note(PeerId::random()));
        }
        assert!(!panickers.note(peer), "it is forgotten");
        assert_eq!(panickers.0.lock().len(), PANICKERS_MAX);
    }
}
