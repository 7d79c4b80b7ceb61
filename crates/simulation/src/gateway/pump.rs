//! One connection of a gateway, from hello to goodbye: what the gateway's session task does, over a socket in memory.

use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_cluster::{
    AttachError, Departure, LocalSession, NewSession, Recipient, ResumeError,
};
use switchboard_protocol::client_message::Hello;
use switchboard_protocol::server_message::{
    Done, LeaveReason, ResumeTicket, RoomSnapshot, Welcome,
};
use switchboard_protocol::{CloseCode, Codec, ErrorCode, PeerId, ServerMessage, UserId};
use switchboard_session::grants::Grants;
use switchboard_session::{
    AwaitingHello, Closing, Greeting, Input, Live, Origin, Output, Refused, SignalToName,
};
use tokio::time::{Duration, Instant, sleep_until};

use super::Gateway;
use super::operations::{self, Asker};
use crate::mailbox::Mailbox;
use crate::socket::{self, End, Frame};
use crate::trace::ConnectionNo;

/// A client whose session cannot be taken now comes again after this.
const RETRY_AFTER: Duration = Duration::from_secs(1);

type Performing = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

pub(super) struct Pump {
    gateway: Arc<Gateway>,
    connection: ConnectionNo,
    socket: End,
    mailbox: Arc<Mailbox>,
    peer: PeerId,
    /// A frame of which the kernel has taken a part only.
    stuck: Option<(Frame, Option<(PeerId, u64)>)>,
    /// It came, and waits until the process is awake.
    come: Mutex<Option<Frame>>,
}

/// What becomes of a session whose connection ended so.
fn departure(ended: &Ended, window: Duration) -> Departure {
    let closing = match ended {
        Ended::Gone => return Departure::Away(window),
        Ended::Close(closing) => closing,
    };
    match (closing.code, closing.holds(window)) {
        (CloseCode::Superseded, _) => Departure::Superseded,
        (_, Some(hold)) => Departure::Away(hold),
        (CloseCode::Bye, None) => Departure::Leave(LeaveReason::Left),
        (_, None) => Departure::Leave(LeaveReason::Disconnected),
    }
}

fn unavailable() -> Ended {
    Ended::Close(Closing::new(CloseCode::Unavailable).retry_after(RETRY_AFTER))
}

/// How a connection ended.
enum Ended {
    /// The client's end is gone.
    Gone,
    /// This end closes it.
    Close(Closing),
}

impl Pump {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        connection: ConnectionNo,
        socket: End,
        mailbox: Arc<Mailbox>,
        peer: PeerId,
    ) -> Self {
        Self {
            gateway,
            connection,
            socket,
            mailbox,
            peer,
            stuck: None,
            come: Mutex::new(None),
        }
    }

    pub(super) async fn run(mut self) {
        let ended = match self.await_hello().await {
            Ok((asker, live)) => self.serve(asker, live).await,
            Err(ended) => ended,
        };
        self.gateway.path.gate.pass().await;
        if let Ended::Close(closing) = ended {
            self.say_goodbye(&closing);
        }
        self.gateway.forget(self.connection);
    }

    async fn await_hello(&mut self) -> Result<(Asker, Live), Ended> {
        let mut session = AwaitingHello::new(&self.gateway.rules, Instant::now().into_std());
        loop {
            let frame = tokio::select! {
                biased;
                frame = self.read() => frame.ok_or(Ended::Gone)?,
                () = sleep_until(session.deadline().into()) => {
                    return Err(Ended::Close(session.overdue()));
                }
            };
            let text = match frame {
                Frame::Text(text) => text,
                Frame::Ping | Frame::Pong => continue,
                Frame::Close(..) => return Err(Ended::Gone),
            };
            match session.on(Codec::Json.decode(&text)) {
                Greeting::Hello(hello) => return self.greet(hello).await,
                Greeting::Answer(error) => self.send(error.into()),
                Greeting::Close(closing) => return Err(Ended::Close(closing)),
            }
            self.write(None).map_err(|_| Ended::Gone)?;
        }
    }

    async fn greet(&mut self, hello: Hello<'_>) -> Result<(Asker, Live), Ended> {
        let user: UserId = hello
            .name
            .as_deref()
            .and_then(|name| name.parse().ok())
            .unwrap_or_else(|| UserId::anonymous(&self.peer));
        if let Some(resume) = &hello.resume {
            // What was said before a process froze may be long over: its client has the session elsewhere by now.
            if self.socket.is_over() {
                return Err(Ended::Gone);
            }
            let session = self.session(resume.peer, user.clone(), hello.receipts);
            let node = &self.gateway.node;
            let resumed = node.resume(session, &resume.secret, resume).await;
            if resumed.is_err() {
                // Rooms that were entered by then had something to tell. Nobody is welcomed, and so nobody is told.
                self.mailbox.clear();
            }
            match resumed {
                Ok(resumed) => return Ok(self.welcome(resumed.local, Some(resumed.rooms))),
                Err(ResumeError::Refused) => {}
                Err(ResumeError::OtherUser) => {
                    return Err(Ended::Close(Closing::new(CloseCode::Unauthorized)));
                }
                Err(ResumeError::Superseded) => {
                    return Err(Ended::Close(Closing::new(CloseCode::Superseded)));
                }
                Err(ResumeError::Unavailable) => return Err(unavailable()),
            }
        }
        let session = self.session(self.peer, user, hello.receipts);
        let attached = self.gateway.node.attach(session).await;
        let local = attached.map_err(|error| match error {
            AttachError::TooManySessions => {
                Ended::Close(Closing::new(CloseCode::Limit).retry_after(RETRY_AFTER))
            }
            AttachError::Unavailable => unavailable(),
        })?;
        Ok(self.welcome(local, None))
    }

    fn session(&self, peer: PeerId, user: UserId, receipts: bool) -> NewSession {
        NewSession {
            peer,
            user,
            receipts,
            hidden: false,
            resumable: true,
            recipient: self.mailbox.clone(),
        }
    }

    /// Says welcome in front of all that the cluster has for the session.
    fn welcome(
        &mut self,
        local: Arc<LocalSession>,
        rooms: Option<Vec<RoomSnapshot>>,
    ) -> (Asker, Live) {
        let (node, rules) = (&self.gateway.node, &self.gateway.rules);
        let welcome = Welcome {
            peer: local.peer,
            user: local.user.clone(),
            name: None,
            node: node.id().clone(),
            resume: ResumeTicket {
                secret: node.secret(&local),
                window_ms: rules.resume_window.as_millis() as u64,
            },
            resumed: rooms.is_some(),
            rooms: rooms.clone(),
            heartbeat_ms: rules.heartbeat.as_millis() as u64,
            limits: rules.limits,
            ice_servers: Vec::new(),
        };
        self.mailbox.begin_with(welcome.into());
        self.gateway.note_session(self.connection, local.peer);
        let now = Instant::now().into_std();
        let grants = Grants::default();
        let live = match rooms {
            Some(rooms) => {
                let rooms = rooms.into_iter().map(|room| room.room);
                Live::resumed(rules.clone(), grants, rooms, now)
            }
            None => Live::new(rules.clone(), grants, now),
        };
        let asker = Asker {
            local,
            name: None,
            avatar: None,
            is_verified: false,
        };
        (asker, live)
    }

    /// The session lives until its client goes or this end closes it.
    async fn serve(&mut self, asker: Asker, mut live: Live) -> Ended {
        let local = asker.local.clone();
        let mut performing: Option<Performing> = None;
        let ended = loop {
            if let Err(ended) = self.event(&mut live, &asker, &mut performing).await {
                break ended;
            }
        };
        self.gateway.path.gate.pass().await;
        self.note_begun(&local);
        let node = self.gateway.node.clone();
        let departure = departure(&ended, self.gateway.rules.resume_window);
        match performing {
            Some(performing) => drop(tokio::spawn(async move {
                let _ = performing.await;
                node.detach(local, departure);
            })),
            None => node.detach(local, departure),
        }
        ended
    }

    /// One thing that wakes the session, and what follows from it.
    async fn event(
        &mut self,
        live: &mut Live,
        asker: &Asker,
        performing: &mut Option<Performing>,
    ) -> Result<(), Ended> {
        self.gateway.path.gate.pass().await;
        if let Some(closing) = self.mailbox.closing() {
            return Err(Ended::Close(closing.clone()));
        }
        self.write(Some((&asker.local, live)))
            .map_err(|_| Ended::Gone)?;
        let wake_at: Instant = live.wake_at().into();
        let is_performing = performing.is_some();
        let performed = async {
            match performing {
                Some(performing) => performing.await,
                None => std::future::pending().await,
            }
        };
        let mut frame = None;
        let mut result = None;
        let mut tick = false;
        tokio::select! {
            biased;
            done = performed, if is_performing => result = Some(done),
            read = self.read() => frame = Some(read.ok_or(Ended::Gone)?),
            () = self.mailbox.changed() => {}
            () = self.socket.writable(), if self.stuck.is_some() => {}
            () = sleep_until(wake_at) => tick = true,
        }
        let mut outputs = Vec::new();
        let text;
        let input = match (frame, result) {
            (_, Some(result)) => {
                *performing = None;
                Input::Performed(result)
            }
            (Some(Frame::Text(bytes)), _) => {
                text = bytes;
                match Codec::Json.decode(&text) {
                    Ok(message) => Input::Message(message),
                    Err(error) => Input::Broken(error),
                }
            }
            (Some(Frame::Ping | Frame::Pong), _) => Input::Alive,
            (Some(Frame::Close(..)), _) => return Err(Ended::Gone),
            (None, None) if tick => Input::Tick,
            (None, None) => return Ok(()),
        };
        live.on(input, Instant::now().into_std(), &mut outputs);
        for output in outputs {
            self.carry_out(output, asker, performing)?;
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        output: Output<'_>,
        asker: &Asker,
        performing: &mut Option<Performing>,
    ) -> Result<(), Ended> {
        let node = &self.gateway.node;
        match output {
            Output::Send(message) => self.send(message),
            Output::Allow { id, .. } => self.send(Done { re: id, to: None }.into()),
            Output::Relay(signal, origin) => {
                let repeated = origin == Origin::PerhapsRepeated;
                if node.relay(&asker.local, &signal, repeated).is_err() {
                    let refused = Refused::new(ErrorCode::NotAMember, "join it first");
                    self.send(refused.to_error(Some(signal.id)).into());
                }
            }
            Output::RelayToName(to_name) => {
                let SignalToName { signal, name } = &to_name;
                if node.relay_to_name(&asker.local, signal, name).is_err() {
                    let refused = Refused::new(ErrorCode::NotAMember, "join it first");
                    self.send(refused.to_error(Some(signal.id)).into());
                }
            }
            Output::Received(received) => {
                self.note_begun(&asker.local);
                node.received(&asker.local, &received.from, received.id);
            }
            Output::Prove => {
                let (node, local) = (node.clone(), asker.local.clone());
                tokio::spawn(async move { node.prove(&local).await });
            }
            Output::Perform(operation) => {
                let work = operations::perform(node.clone(), asker.clone(), operation);
                *performing = Some(Box::pin(work));
            }
            Output::Ping => {
                let _ = self.socket.write(Frame::Ping);
            }
            Output::Close(closing) => return Err(Ended::Close(closing)),
        }
        Ok(())
    }

    /// What the client says next, once the process is awake. Cancel safe.
    async fn read(&self) -> Option<Frame> {
        let come = self.come.lock().take();
        let come = match come {
            Some(frame) => Some(frame),
            None => self.socket.read().await,
        };
        if !self.gateway.path.gate.is_open() {
            *self.come.lock() = come;
            self.gateway.path.gate.pass().await;
            return self.come.lock().take();
        }
        come
    }

    fn send(&self, message: ServerMessage) {
        // A full outbox closes the session by itself.
        let _ = self.mailbox.push(message);
    }

    /// Hands to the kernel what it takes.
    fn write(&mut self, mut session: Option<(&Arc<LocalSession>, &mut Live)>) -> Result<(), Ended> {
        loop {
            let (frame, signal) = match self.stuck.take() {
                Some(stuck) => stuck,
                None => {
                    let Some(message) = self.mailbox.pop() else {
                        return Ok(());
                    };
                    if let (ServerMessage::RoomClosed(closed), Some((_, live))) =
                        (&message, &mut session)
                    {
                        let now = Instant::now().into_std();
                        live.on(Input::RoomGone(&closed.room), now, &mut Vec::new());
                    }
                    encode(&message)
                }
            };
            match self.socket.write(frame.clone()) {
                Ok(()) => {
                    if let (Some((sender, id)), Some((local, _))) = (signal, &session) {
                        self.gateway.node.written(local, &sender, id);
                    }
                }
                Err(socket::Refused::Full) => {
                    self.stuck = Some((frame, signal));
                    return Ok(());
                }
                Err(socket::Refused::Gone) => {
                    self.stuck = Some((frame, signal));
                    return Err(Ended::Gone);
                }
            }
        }
    }

    /// The client may have what the kernel has a part of.
    fn note_begun(&self, local: &LocalSession) {
        if let Some((_, Some((sender, id)))) = &self.stuck {
            self.gateway.node.begun(local, sender, *id);
        }
    }

    /// The answers that still wait, then the close frame. Signals that wait are not written any more.
    fn say_goodbye(&mut self, closing: &Closing) {
        let mut frames: Vec<_> = self
            .stuck
            .take()
            .map(|(frame, _)| frame)
            .into_iter()
            .collect();
        while let Some(message) = self.mailbox.pop() {
            if !matches!(message, ServerMessage::Signal(_)) {
                frames.push(encode(&message).0);
            }
        }
        frames.push(Frame::Close(closing.code.number(), closing.retry_after));
        for frame in frames {
            if self.socket.write(frame).is_err() {
                return;
            }
        }
    }
}

/// A message as a frame; of a signal, its sender and id.
fn encode(message: &ServerMessage) -> (Frame, Option<(PeerId, u64)>) {
    let mut text = Vec::new();
    Codec::Json
        .encode(message, &mut text)
        .expect("every payload here is JSON");
    let signal = match message {
        ServerMessage::Signal(signal) => Some((signal.from, signal.id)),
        _ => None,
    };
    (Frame::Text(text.into()), signal)
}
