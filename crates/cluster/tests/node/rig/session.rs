//! A session as the tests play it: what its client does, and its gateway.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchboard_cluster::{
    AttachError, Claim, Credential, Departure, JoinError, JoinRequest, LocalSession, NewSession,
    Node, Profile, ResumeError,
};
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::{LeaveReason, RoomSnapshot};
use switchboard_protocol::{Encoding, Payload, PeerId, ServerMessage, UserId};

use super::recorder::{Recorder, signals};
use super::{WINDOW, id};

/// A session that writes down what it is told. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) node: Node,
    pub(crate) local: Arc<LocalSession>,
    pub(crate) told: Arc<Recorder>,
    /// Of a resumed one: its rooms, as its `welcome` shows them.
    pub(crate) rooms: Vec<RoomSnapshot>,
    /// What its client shows each time it comes.
    pub(crate) credential: Credential,
    next_id: Arc<AtomicUsize>,
}

/// What there is to choose about a session.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) receipts: bool,
    pub(crate) hidden: bool,
    pub(crate) resumable: bool,
    /// `None`: an anonymous one.
    pub(crate) user: Option<UserId>,
    pub(crate) credential: Credential,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            receipts: true,
            hidden: false,
            resumable: true,
            user: None,
            credential: Credential::default(),
        }
    }
}

impl Session {
    /// A resumable one.
    pub(crate) async fn new(node: &Node, receipts: bool) -> Self {
        let kind = Kind {
            receipts,
            ..Kind::default()
        };
        Self::of(node, kind).await
    }

    pub(crate) async fn of(node: &Node, kind: Kind) -> Self {
        let taken = Self::try_of(node, kind).await;
        taken.expect("the node takes a session")
    }

    pub(crate) async fn try_of(node: &Node, kind: Kind) -> Result<Self, AttachError> {
        let (peer, told) = (PeerId::random(), Arc::new(Recorder::default()));
        let user = kind.user.unwrap_or_else(|| UserId::anonymous(&peer));
        let session = NewSession {
            peer,
            user,
            credential: kind.credential.clone(),
            receipts: kind.receipts,
            hidden: kind.hidden,
            resumable: kind.resumable,
            recipient: told.clone(),
        };
        let local = node.attach(session).await?;
        Ok(Self {
            node: node.clone(),
            local,
            told,
            rooms: Vec::new(),
            credential: kind.credential,
            next_id: Arc::new(AtomicUsize::new(1)),
        })
    }

    /// What the client was given to resume with.
    pub(crate) fn secret(&self) -> String {
        self.node.secret(&self.local)
    }

    /// The session as `node` has it from now on.
    pub(crate) async fn resume_on(&self, node: &Node) -> Self {
        let nothing_seen = BTreeMap::new();
        self.resume_having_seen(node, nothing_seen).await
    }

    /// Likewise; the client says up to which id of each sender it has handled everything.
    pub(crate) async fn resume_having_seen(
        &self,
        node: &Node,
        seen: BTreeMap<PeerId, u64>,
    ) -> Self {
        self.try_to_resume(node, &self.secret(), seen)
            .await
            .expect("the session is resumed")
    }

    pub(crate) async fn try_to_resume(
        &self,
        node: &Node,
        secret: &str,
        seen: BTreeMap<PeerId, u64>,
    ) -> Result<Self, ResumeError> {
        let told = Arc::new(Recorder::default());
        let session = NewSession {
            peer: self.peer(),
            user: self.local.user.clone(),
            credential: self.credential.clone(),
            receipts: self.local.receipts,
            hidden: self.local.hidden,
            resumable: self.local.resumable,
            recipient: told.clone(),
        };
        let resumed = node.resume(session, secret, seen).await?;
        Ok(Self {
            node: node.clone(),
            local: resumed.local,
            told,
            rooms: resumed.rooms,
            credential: self.credential.clone(),
            next_id: self.next_id.clone(),
        })
    }

    /// Its client is gone without a word.
    pub(crate) fn loses_connection(&self) {
        self.node
            .detach(self.local.clone(), Departure::Away(WINDOW));
    }

    pub(crate) fn departs(&self, reason: LeaveReason) {
        self.node
            .detach(self.local.clone(), Departure::Leave(reason));
    }

    /// Waits until the session is another connection's, and lets go of it as a gateway does.
    pub(crate) async fn until_superseded(&self) {
        self.told
            .until("that it is superseded", |_| {
                self.told.is_superseded().then_some(())
            })
            .await;
        self.node.detach(self.local.clone(), Departure::Superseded);
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.local.peer
    }

    pub(crate) async fn join(&self, room: &str) -> Result<(), JoinError> {
        self.join_with(room, 64).await
    }

    pub(crate) async fn join_with(&self, room: &str, capacity: u32) -> Result<(), JoinError> {
        let profile = Profile::default();
        let join = self
            .node
            .join_request(&self.local, id(room), capacity, profile);
        self.node.join(&self.local, 1, join).await
    }

    /// Joins under a name that is to be its own.
    pub(crate) async fn join_as(
        &self,
        room: &str,
        name: &str,
        claim: Claim,
    ) -> Result<(), JoinError> {
        let profile = Profile {
            name: Some(name.into()),
            ..Profile::default()
        };
        let join = JoinRequest {
            claim: Some(claim),
            ..self.node.join_request(&self.local, id(room), 64, profile)
        };
        self.node.join(&self.local, 1, join).await
    }

    /// Sends a signal to `to`, or to all, and gives its id.
    pub(crate) fn signal(&self, room: &str, to: Option<PeerId>) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) as u64;
        self.signal_again(room, id, to);
        id
    }

    /// Sends a signal to whoever has that name, and gives its id.
    pub(crate) fn signal_to_name(&self, room: &str, name: &str) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) as u64;
        let relayed = self
            .node
            .relay_to_name(&self.local, &signal(room, id, None), name);
        relayed.expect("a member may signal");
        id
    }

    /// Sends a signal with an id that was perhaps used before.
    pub(crate) fn signal_again(&self, room: &str, id: u64, to: Option<PeerId>) {
        self.node
            .relay(&self.local, &signal(room, id, to), false)
            .expect("a member may signal");
    }

    /// Handles, and says so, every signal from `sender` up to `id`.
    pub(crate) fn handles(&self, sender: &PeerId, id: u64) {
        self.node.written(&self.local, sender, id);
        self.node.received(&self.local, sender, id);
    }

    /// Handles every signal that comes, at once, until the test ends.
    pub(crate) fn handle_signals(&self) {
        let (node, local, told) = (self.node.clone(), self.local.clone(), self.told.clone());
        tokio::spawn(async move {
            let mut handled = 0;
            loop {
                let news = told.next_after(handled).await;
                handled += news.len();
                for message in news {
                    if let ServerMessage::Signal(signal) = message {
                        node.written(&local, &signal.from, signal.id);
                        node.received(&local, &signal.from, signal.id);
                    }
                }
            }
        });
    }

    /// Waits until so many signals were handed on to it.
    pub(crate) async fn until_signals(&self, count: usize) {
        self.told
            .until("signals", |told| {
                (signals(told).len() >= count).then_some(())
            })
            .await;
    }

    pub(crate) async fn until_answered(&self, signals: usize) {
        let is_answer = |message: &&ServerMessage| {
            matches!(
                message,
                ServerMessage::Delivered(_) | ServerMessage::Undelivered(_)
            )
        };
        let answered =
            |messages: &[ServerMessage]| messages.iter().filter(is_answer).count() >= signals;
        self.told
            .until("all answers", |messages| answered(messages).then_some(()))
            .await;
    }
}

fn signal(room: &str, id: u64, to: Option<PeerId>) -> Signal<'_> {
    Signal {
        id,
        room: room.into(),
        to: to.map(|to| to.to_string().into()),
        kind: "candidate".into(),
        payload: Payload {
            encoding: Encoding::Json,
            bytes: b"{}",
        },
        traceparent: None,
    }
}
