//! An application on top of the shipped client: the rooms that it wants, as its session shows them, and what it asked.

use std::collections::BTreeMap;

use switchboard_client::Event;
use switchboard_client::session::{Command, Join, Reply, RequestError};
use switchboard_protocol::server_message::Joined;
use switchboard_protocol::{ErrorCode, PeerId, RoomId};
use tokio::time::{Duration, Instant};

use crate::trace::{News, Seen, View};

/// A request that was refused for now is made again after this.
const RETRY_AFTER: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Application {
    rooms: BTreeMap<RoomId, Room>,
    /// What was asked, and not answered.
    asked: BTreeMap<u64, About>,
    last_ask: u64,
}

#[derive(Default)]
struct Room {
    is_wanted: bool,
    is_asked: bool,
    /// Its leaving was asked for, and whether it is out the gateway could not say.
    is_half_left: bool,
    view: Option<View>,
    retry_at: Option<Instant>,
}

enum About {
    Enter(RoomId),
    Leave(RoomId),
    State,
    Signal,
}

impl Application {
    pub(super) fn want(&mut self, room: RoomId, is_wanted: bool) {
        self.rooms.entry(room).or_default().is_wanted = is_wanted;
    }

    /// What is to be asked next, if anything.
    pub(super) fn next(&self, now: Instant) -> Option<Command> {
        let due = |room: &Room| !room.is_asked && room.retry_at.is_none_or(|at| now >= at);
        let mut due = self.rooms.iter().filter(|(_, room)| due(room));
        due.find_map(|(id, room)| match (room.is_wanted, &room.view) {
            (true, view) if view.is_none() || room.is_half_left => Some(Command::Join(Join {
                room: id.clone(),
                state: None,
                capacity: None,
            })),
            (false, Some(_)) => Some(Command::Leave(id.clone())),
            _ => None,
        })
    }

    /// When that may change by itself.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        let waiting = self.rooms.values().filter(|room| !room.is_asked);
        let is_wrong = |room: &&Room| room.is_half_left || room.is_wanted != room.view.is_some();
        let waiting = waiting.filter(is_wrong);
        let now = Instant::now();
        let moments = waiting.filter_map(|room| room.retry_at);
        moments.filter(|at| *at > now).min()
    }

    /// It is asked: under which number.
    pub(super) fn asked(&mut self, command: &Command) -> u64 {
        let about = match command {
            Command::Join(join) => About::Enter(join.room.clone()),
            Command::Leave(room) => About::Leave(room.clone()),
            Command::SetState(_) => About::State,
            Command::Signal(_) => About::Signal,
        };
        if let About::Enter(room) | About::Leave(room) = &about
            && let Some(room) = self.rooms.get_mut(room)
        {
            room.is_asked = true;
        }
        self.last_ask += 1;
        self.asked.insert(self.last_ask, about);
        self.last_ask
    }

    pub(super) fn answered(&mut self, ask: u64, reply: Reply) {
        match (self.asked.remove(&ask), reply) {
            (Some(About::Enter(id)), Reply::Joined(joined)) => {
                let room = self.rooms.entry(id).or_default();
                room.is_asked = false;
                match joined {
                    Ok(joined) => room.is_in(view(&joined)),
                    Err(error) => room.refused(&error),
                }
            }
            (Some(About::Leave(id)), Reply::Done(left)) => {
                let room = self.rooms.entry(id).or_default();
                room.is_asked = false;
                match left {
                    Ok(()) => room.is_out(),
                    Err(error) => {
                        room.is_half_left = true;
                        room.refused(&error);
                    }
                }
            }
            (Some(About::Signal | About::State), _) => {}
            (asked, reply) => panic!(
                "the session answered {reply:?} to what was {}",
                if asked.is_some() {
                    "something else"
                } else {
                    "not asked, or answered"
                }
            ),
        }
    }

    pub(super) fn told(&mut self, event: Event) {
        match event {
            Event::MemberJoined(joined) => self.take(&joined.room, &News::from(&*joined)),
            Event::MemberUpdated(updated) => self.take(&updated.room, &News::from(&*updated)),
            Event::MemberLeft(left) => self.take(&left.room, &News::from(&left)),
            Event::Rejoined(joined) => {
                let room = self.rooms.entry(joined.room.clone()).or_default();
                room.is_in(view(&joined));
            }
            Event::RoomClosed(closed) => self.lose(&closed.room),
            Event::RoomLost { room, .. } => self.lose(&room),
            Event::Ready(_)
            | Event::Signal(_)
            | Event::IceServers(_)
            | Event::Media { .. }
            | Event::Connection(_) => {}
        }
    }

    fn lose(&mut self, room: &RoomId) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.is_out();
            room.retry_at = Some(Instant::now() + RETRY_AFTER);
        }
    }

    fn take(&mut self, room: &RoomId, news: &News) {
        let room = self.rooms.get_mut(room);
        if let Some(view) = room.and_then(|room| room.view.as_mut()) {
            view.take(news);
        }
    }

    /// `None`: there is nobody to say something to.
    pub(super) fn receiver(
        &self,
        room: &RoomId,
        own: Option<PeerId>,
        to: Option<usize>,
    ) -> Option<Option<PeerId>> {
        let view = self.rooms.get(room)?.view.as_ref()?;
        let others = view.members.iter().map(|member| member.peer);
        let others: Vec<_> = others.filter(|peer| Some(*peer) != own).collect();
        match to {
            None => Some(None),
            Some(place) => Some(Some(others[place.checked_rem(others.len())?])),
        }
    }

    pub(super) fn is_in(&self, room: &RoomId) -> bool {
        let room = self.rooms.get(room);
        room.is_some_and(|room| room.view.is_some())
    }

    pub(super) fn wants(&self) -> Vec<RoomId> {
        let wanted = self.rooms.iter().filter(|(_, room)| room.is_wanted);
        wanted.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn views(&self) -> Vec<View> {
        let views = self.rooms.values().filter_map(|room| room.view.clone());
        views.collect()
    }

    /// Signals that the session has not answered.
    pub(super) fn unanswered(&self) -> Vec<u64> {
        let signals = self.asked.iter();
        let signals = signals.filter(|(_, about)| matches!(about, About::Signal));
        signals.map(|(ask, _)| *ask).collect()
    }
}

impl Room {
    fn is_in(&mut self, view: View) {
        (self.view, self.is_half_left) = (Some(view), false);
    }

    fn is_out(&mut self) {
        (self.view, self.is_half_left) = (None, false);
    }

    fn refused(&mut self, error: &RequestError) {
        let code = match error {
            RequestError::Refused { code, .. } => Some(*code),
            _ => None,
        };
        match code {
            Some(ErrorCode::NotAMember) => self.is_out(),
            Some(ErrorCode::AlreadyJoined) => self.is_half_left = false,
            // Whether it is in is not known either: it enters to make sure, and leaves then.
            Some(ErrorCode::Unavailable) if self.view.is_none() => self.is_wanted = true,
            _ => {}
        }
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
    }
}

fn view(joined: &Joined) -> View {
    View {
        room: joined.room.clone(),
        revision: joined.revision,
        members: joined.members.iter().map(Seen::from).collect(),
    }
}
