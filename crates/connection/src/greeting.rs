//! The first phase: waits for `hello`, decides whose session it is, and says `welcome`.

use std::sync::Arc;
use std::time::Duration;

use switchboard_cluster::{LocalSession, NewSession};
use switchboard_dialects::{Frame, Heard, Introduction};
use switchboard_protocol::client_message::Hello;
use switchboard_protocol::server_message::{ResumeTicket, RoomSnapshot, Welcome};
use switchboard_protocol::{ClientMessage, CloseCode, PeerId, RoomId};
use switchboard_session::{Authorization, AwaitingHello, Closing, Greeting, Input};
use tokio::time::sleep_until;

use crate::authenticate::{Authenticate, Identity, Refusal};
use crate::authorization::authorization;
use crate::connection::{Connection, answer};
use crate::departure::End;
use crate::host::{Coming, InPhase, Phase};
use crate::ice::{IceOffer, IceTold};
use crate::media::media;
use crate::operations::Asker;

/// A session that has said hello.
pub(crate) struct Greeted {
    pub(crate) asker: Asker,
    pub(crate) authorization: Authorization,
    pub(crate) ice: IceTold,
    /// Of one that goes on: where it is.
    pub(crate) in_rooms: Option<Vec<RoomId>>,
}

/// A session that is the client's, and what it goes on with.
pub(crate) struct Attached {
    pub(crate) identity: Identity,
    pub(crate) local: Arc<LocalSession>,
    /// `None`: it is new.
    pub(crate) rooms: Option<Vec<RoomSnapshot>>,
}

impl Connection {
    /// Waits for `hello` and answers it by `welcome`.
    pub(crate) async fn await_hello(&mut self) -> Result<Box<Greeted>, End> {
        let host = self.host.clone();
        let _awaiting = InPhase::new(&host, self.dialect.name(), Phase::AwaitingHello);
        if let Some(introduction) = self.dialect.introduction() {
            return self.greet(introduction).await;
        }
        let mut session = AwaitingHello::new(&self.host.rules, crate::now());
        loop {
            let deadline = session.deadline().into();
            let frame = tokio::select! {
                biased;
                // First: a client that never pauses does not put it off.
                () = sleep_until(deadline) => return Err(End::Close(session.overdue())),
                frame = self.next_frame() => frame?,
            };
            if let Some(introduction) = self.hear_hello(&mut session, &frame)? {
                return self.greet(introduction).await;
            }
        }
    }

    /// The `hello` in a frame, if there is one.
    fn hear_hello(
        &mut self,
        session: &mut AwaitingHello,
        frame: &Frame,
    ) -> Result<Option<Introduction<'static>>, End> {
        let Self {
            host,
            wire,
            dialect,
            mailbox,
            ..
        } = self;
        let mut found = Ok(None);
        switchboard_dialects::hear(&mut **dialect, frame, &mut |heard| {
            if !matches!(found, Ok(None)) {
                return;
            }
            let message = match heard {
                Heard::Hello(introduction) => return found = Ok(Some(introduction.into_owned())),
                Heard::Input(Input::Message(message)) => Ok(message),
                Heard::Input(Input::Enter(enter)) => Ok(ClientMessage::Join(enter.join)),
                Heard::Input(Input::Broken(error)) => Err(error),
                Heard::Input(_) => return,
                Heard::Say(frame) => return wire.answer(frame, mailbox),
                Heard::Close => return found = Err(End::Gone),
                Heard::End(closing) => return found = Err(End::Close(closing)),
            };
            match session.on(message) {
                Greeting::Hello(hello) => found = Ok(Some(Introduction::from(hello).into_owned())),
                Greeting::Answer(error) => answer(host, mailbox, error),
                Greeting::Close(closing) => found = Err(End::Close(closing)),
            }
        });
        found
    }

    async fn greet(&mut self, mut introduction: Introduction<'_>) -> Result<Box<Greeted>, End> {
        let handshake = self.token.take();
        if introduction.hello.token.is_none() {
            introduction.hello.token = handshake.map(Into::into);
        }
        let resumed = match &introduction.hello.resume {
            Some(resume) => self.resume(&introduction, resume).await?,
            None => None,
        };
        let Attached {
            identity,
            local,
            mut rooms,
        } = match resumed {
            Some(resumed) => resumed,
            None => self.attach(&introduction).await?,
        };
        let hello = &introduction.hello;
        tracing::debug!(session.id = %local.peer, agent = hello.agent.as_deref(), resumed = rooms.is_some(), "a session came");
        let said = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(Into::into);
        let (name, avatar) = (identity.name.clone(), identity.avatar.clone());
        let name = name.or_else(|| said(&hello.name));
        let avatar = avatar.or_else(|| said(&hello.avatar));
        for room in rooms.iter_mut().flatten() {
            let members = (&room.room, &room.members[..]);
            room.media = media(&*self.host.media, &local.peer, &identity.grants, members);
        }
        let in_rooms = rooms.as_ref().map(|rooms| {
            let ids = rooms.iter().map(|room| room.room.clone());
            ids.collect()
        });
        let offer = self.host.ice.offer(&local.user);
        let ice = offer.told(crate::now());
        let welcome = self.welcome(&local, name.clone(), rooms, offer).into();
        self.wire.begin_with(&welcome, &mut *self.dialect);
        self.seat.welcomed(&local.peer, self.dialect.resumes());
        Ok(Box::new(Greeted {
            asker: Asker {
                local,
                name,
                avatar,
                is_verified: identity.is_verified,
                authenticate: self.authenticate.clone(),
            },
            authorization: authorization(&self.host.rules, self.dialect.refreshes(), identity),
            ice,
            in_rooms,
        }))
    }

    /// The client gets a new session.
    async fn attach(&mut self, introduction: &Introduction<'_>) -> Result<Attached, End> {
        let identity = authenticate(&*self.authenticate, introduction, &self.peer).await?;
        self.admit(Coming::New)?;
        let session = self.session(self.peer, &identity, &introduction.hello);
        let attached = self.host.node.attach(session).await;
        let local = attached.map_err(|error| End::refused(&error))?;
        self.arrived = Some(local.clone());
        Ok(Attached {
            identity,
            local,
            rooms: None,
        })
    }

    /// Counts the connection as a session, if there may be one more.
    pub(crate) fn admit(&mut self, coming: Coming) -> Result<(), End> {
        self.seat.admit(coming).map_err(End::Close)
    }

    pub(crate) fn session(
        &self,
        peer: PeerId,
        identity: &Identity,
        hello: &Hello<'_>,
    ) -> NewSession {
        NewSession {
            peer,
            user: identity.user.clone(),
            credential: identity.credential.clone(),
            receipts: hello.receipts,
            hidden: identity.grants.hidden,
            resumable: self.dialect.resumes(),
            recipient: self.mailbox.clone(),
        }
    }

    fn welcome(
        &self,
        local: &LocalSession,
        name: Option<Arc<str>>,
        rooms: Option<Vec<RoomSnapshot>>,
        offer: IceOffer,
    ) -> Welcome {
        let (node, rules) = (&self.host.node, &self.host.rules);
        Welcome {
            peer: local.peer,
            user: local.user.clone(),
            name,
            node: node.id().clone(),
            resume: ResumeTicket {
                secret: node.secret(local),
                window_ms: millis(rules.resume_window),
            },
            resumed: rooms.is_some(),
            rooms,
            heartbeat_ms: millis(rules.heartbeat),
            limits: rules.limits,
            ice_servers: offer.servers,
        }
    }
}

/// Who a client is that has, or wants, this peer id.
pub(crate) async fn authenticate(
    by: &dyn Authenticate,
    introduction: &Introduction<'_>,
    peer: &PeerId,
) -> Result<Identity, End> {
    let identity = by.authenticate(introduction, peer).await;
    identity.map_err(|refusal| End::Close(refused(refusal)))
}

/// How the connection of a client ends that does not come in.
fn refused(refusal: Refusal) -> Closing {
    match refusal {
        Refusal::Unauthorized(words) => Closing::because(CloseCode::Unauthorized, words),
        Refusal::Limited {
            words,
            rule,
            retry_after,
        } => Closing::because(CloseCode::Limit, words)
            .retry_after(retry_after)
            .by(rule),
        Refusal::Unavailable { words, retry_after } => {
            Closing::because(CloseCode::Unavailable, words).retry_after(retry_after)
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
