use super::*;
use crate::metrics::Metrics;
use switchboard_protocol::ServerMessage;

const DRAIN: Drain = Drain {
    reconnect_after_ms: 0,
    deadline_ms: 1000,
};

impl Registry {
    /// One for 100 sessions.
    pub(crate) fn of(metrics: &Metrics) -> Self {
        let capacity = Capacity {
            sessions: 100,
            sessions_per_address: None,
            connections: 200,
        };
        Self::new(capacity, metrics.shed_counters())
    }

    /// One more connection that a drain picked has ended.
    pub(crate) fn ended(&self, code: Option<CloseCode>) {
        self.tally.lock().ended(code);
    }
}

struct Connected {
    peer: PeerId,
    mailbox: Arc<Mailbox>,
    registration: Registration,
}

fn registry() -> Arc<Registry> {
    Arc::new(Registry::of(&Metrics::new()))
}

fn connect(registry: &Arc<Registry>) -> Connected {
    let (peer, mailbox) = (PeerId::random(), Arc::new(Mailbox::new(4096)));
    let registration = registry.enter(peer, &mailbox, Source::of([192, 0, 2, 1].into()));
    Connected {
        peer,
        mailbox,
        registration,
    }
}

fn greet(registry: &Arc<Registry>) -> Connected {
    let connected = connect(registry);
    connected.registration.welcomed(true);
    connected
}

fn going_away() -> Closing {
    Closing::new(CloseCode::GoingAway)
}

#[test]
fn a_session_is_sent_on_and_one_without_hello_is_closed() {
    let registry = registry();
    let (session, silent) = (greet(&registry), connect(&registry));
    for peer in registry.pick_all() {
        registry.send_on(&peer, DRAIN, &going_away());
    }
    assert!(matches!(
        session.mailbox.pop(),
        Some(ServerMessage::Drain(drain)) if drain == DRAIN
    ));
    assert!(session.mailbox.closing().is_none());
    assert_eq!(silent.mailbox.closing(), Some(&going_away()));
    assert_eq!(registry.tally().told, 1);
}

#[test]
fn a_drain_counts_how_each_of_its_connections_ended() {
    let registry = registry();
    let ends = [
        Some(CloseCode::Superseded),
        Some(CloseCode::Superseded),
        Some(CloseCode::GoingAway),
        None,
    ];
    let connected = ends.map(|end| (end, greet(&registry)));
    registry.pick_all();
    for (end, connected) in connected {
        if let Some(code) = end {
            connected.mailbox.close(Closing::new(code));
        }
        drop(connected.registration);
    }
    let latecomer = connect(&registry);
    latecomer.mailbox.close(going_away());
    drop(latecomer.registration);
    let counted = registry.tally();
    assert_eq!((counted.moved, counted.closed, counted.left), (2, 2, 1));
    assert_eq!(registry.len(), 0);
}

#[test]
fn a_share_is_picked_among_the_sessions_and_nobody_else_is_counted() {
    let registry = registry();
    let sessions: Vec<_> = (0..10).map(|_| greet(&registry)).collect();
    let silent = connect(&registry);
    let picked = registry.pick(|sessions| sessions / 5);
    assert_eq!(picked.len(), 2);
    assert!(!picked.contains(&silent.peer));
    drop(silent.registration);
    for session in sessions {
        session.mailbox.close(Closing::new(CloseCode::Superseded));
        drop(session.registration);
    }
    assert_eq!(registry.tally().moved, 2);
    assert_eq!(registry.tally().left, 0);
    assert_eq!(registry.count_of(&picked), 0);
}

#[test]
fn who_stayed_until_a_share_was_over_is_not_counted_later() {
    let registry = registry();
    let session = greet(&registry);
    let picked = registry.pick(|sessions| sessions);
    registry.unpick(&picked);
    drop(session.registration);
    assert_eq!(registry.tally().left, 0);
}
