//! All pairs of a run, from the first connection to the account.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use switchboard_protocol::{PeerId, RoomId};
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::account::Account;
use crate::caller::{Caller, Stream, Talk};
use crate::door::{Door, Upstream};
use crate::look::{Look, misreported};

/// A stream that does not flow again for so long after a fault never will.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Clients that talk.
pub struct Traffic {
    talks: Vec<Talk>,
    doors: Vec<Arc<Door>>,
    streams: Vec<Arc<Stream>>,
    rooms: Vec<Room>,
    sending: DropGuard,
    reading: CancellationToken,
    /// Closes the doors.
    _open: DropGuard,
}

impl Traffic {
    /// Opens the clients, one after another, so that a balancer puts the two of a pair on different nodes; then neighbours
    /// send each other a signal every `pace`. Each comes through a door of its own, which is open as long as this lasts.
    ///
    /// # Errors
    ///
    /// A client does not get in.
    pub async fn start(pairs: usize, pace: Duration, upstream: impl Upstream) -> Result<Self> {
        let open = CancellationToken::new();
        let mut callers = Vec::with_capacity(2 * pairs);
        for pair in 0..pairs {
            for _ in 0..2 {
                let room = format!("pair-{pair}").parse()?;
                let look = Look::of(callers.len());
                let door = Door::open(upstream.clone(), open.clone()).await?;
                callers.push(Caller::open(door, room, look).await?);
            }
        }
        let doors = callers.iter().map(|caller| caller.door.clone()).collect();
        let streams = callers.iter().map(|caller| caller.stream.clone()).collect();
        let rooms = callers.chunks(2).map(Room::of).collect();
        let (sending, reading) = (CancellationToken::new(), CancellationToken::new());
        Ok(Self {
            talks: talk_all(callers, pace, &sending, &reading),
            doors,
            streams,
            rooms,
            sending: sending.drop_guard(),
            reading,
            _open: open.drop_guard(),
        })
    }

    /// Where each client connects.
    pub fn doors(&self) -> &[Arc<Door>] {
        &self.doors
    }

    /// The longest time between two signals of one stream, since this was last called.
    pub fn take_longest_gap(&self) -> Duration {
        let gaps = self.streams.iter().map(|stream| stream.take_longest_gap());
        gaps.max().unwrap_or_default()
    }

    /// Waits until every stream has brought something that was sent after this call.
    ///
    /// # Errors
    ///
    /// One does not flow any more.
    pub async fn settle(&self) -> Result<()> {
        let wanted: Vec<_> = self
            .streams
            .iter()
            .map(|stream| stream.sent() + 1)
            .collect();
        let deadline = Instant::now() + SETTLED_WITHIN;
        loop {
            let pairs = self.streams.iter().zip(&wanted);
            let stuck = pairs.filter(|(stream, wanted)| stream.received() < **wanted);
            let stuck = stuck.count();
            if stuck == 0 {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{stuck} of {} streams do not flow again",
                self.streams.len()
            );
            sleep(LOOK_EVERY).await;
        }
    }

    /// Ends all sending, reads everything that somebody was told of, looks who is listed how, says goodbye, and compares what
    /// each was told with what the other one got.
    ///
    /// # Errors
    ///
    /// A client has panicked, or somebody new does not get in.
    pub async fn end(self) -> Result<Account> {
        drop(self.sending);
        let mut answers = Vec::new();
        let mut rest = Vec::new();
        for talk in self.talks {
            answers.push(talk.answers.await.context("a sender failed")?);
            rest.push((talk.got, talk.client, talk.door));
        }
        self.reading.cancel();
        let (mut got, mut account) = (Vec::new(), Account::default());
        for (receiving, _, door) in &mut rest {
            got.push(receiving.await.context("a receiver failed")?);
            account.enter_client(door.connections());
        }
        for Room { door, id, members } in &self.rooms {
            account.misreported += misreported(door, id, members).await?;
        }
        for (_, client, _) in rest {
            client.bye().await;
        }
        for (index, answers) in answers.iter().enumerate() {
            account.enter(answers, &got[index ^ 1]);
        }
        Ok(account)
    }
}

/// A pair, as somebody new must find it.
struct Room {
    /// The way in.
    door: Arc<Door>,
    id: RoomId,
    members: Vec<(PeerId, Look)>,
}

impl Room {
    fn of(pair: &[Caller]) -> Self {
        let look = |caller: &Caller| (caller.client.peer(), caller.look.clone());
        Self {
            door: pair[0].door.clone(),
            id: pair[0].room.clone(),
            members: pair.iter().map(look).collect(),
        }
    }
}

/// Neighbours talk with each other.
fn talk_all(
    callers: Vec<Caller>,
    pace: Duration,
    sending: &CancellationToken,
    reading: &CancellationToken,
) -> Vec<Talk> {
    let ends: Vec<_> = callers.iter().map(Caller::end).collect();
    let talk = |(index, caller): (usize, Caller)| {
        let other = ends[index ^ 1].clone();
        let (sending, reading) = (sending.clone(), reading.clone());
        caller.talk(other, pace, sending, reading)
    };
    callers.into_iter().enumerate().map(talk).collect()
}
