//! Whether Redis answers on every connection, and does there what clients need.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::trouble::Trouble;
use crate::backend::Reach;
use crate::observe::repeated::Repeated;

/// Puts together what each connection knows.
pub(super) struct ReachBoard {
    /// Per connection.
    lines: Mutex<Vec<State>>,
    address: String,
    reach: watch::Sender<Reach>,
    wire: watch::Sender<Reach>,
    refused: Repeated,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Up,
    /// It does not answer, or brings nothing; why, in words.
    Down(String),
    /// It answers, and refuses what clients need; how, in words.
    Refused(String),
}

impl State {
    fn why(&self) -> Option<&str> {
        match self {
            Self::Up => None,
            Self::Down(why) | Self::Refused(why) => Some(why),
        }
    }
}

impl ReachBoard {
    pub(super) fn new(address: &str) -> Arc<Self> {
        let nowhere = Reach::Never(format!("Redis at {address}: connecting"));
        Arc::new(Self {
            lines: Mutex::default(),
            address: address.to_owned(),
            reach: watch::Sender::new(nowhere.clone()),
            wire: watch::Sender::new(nowhere),
            refused: Repeated::new(),
        })
    }

    /// Whether Redis does all that clients need.
    pub(super) fn reach(&self) -> watch::Receiver<Reach> {
        self.reach.subscribe()
    }

    /// Whether it answers on every connection, whatever it refuses: one that takes no writes still carries signals.
    pub(super) fn wire(&self) -> watch::Receiver<Reach> {
        self.wire.subscribe()
    }

    /// A line for one more connection, down until it says otherwise.
    pub(super) fn line(self: &Arc<Self>) -> Line {
        let mut lines = self.lines.lock();
        lines.push(State::Down("connecting".into()));
        Line {
            board: self.clone(),
            index: lines.len() - 1,
        }
    }

    fn set(&self, index: usize, state: State) {
        let mut lines = self.lines.lock();
        lines[index] = state;
        let is_down = |state: &&State| matches!(state, State::Down(_));
        let down = lines.iter().find(is_down).and_then(State::why);
        // One that is refused says more than one that is not there yet because of it.
        let refused = lines
            .iter()
            .find(|state| matches!(state, State::Refused(_)));
        let trouble = refused.and_then(State::why).or(down);
        self.turn(&self.wire, down);
        if self.turn(&self.reach, trouble) {
            self.say(refused.and_then(State::why), trouble.is_none());
        }
    }

    /// True: it is another one than before.
    fn turn(&self, reach: &watch::Sender<Reach>, trouble: Option<&str>) -> bool {
        let why = trouble.map(|why| format!("Redis at {}: {why}", self.address));
        reach.send_if_modified(|reach| {
            let now = match (why, &*reach) {
                (None, _) => Reach::Reached,
                (Some(why), Reach::Never(_)) => Reach::Never(why),
                (Some(why), _) => Reach::Lost(why),
            };
            let changed = *reach != now;
            *reach = now;
            changed
        })
    }

    fn say(&self, refused: Option<&str>, is_well: bool) {
        if let Some(why) = refused
            && let Some(said) = self.refused.happened()
        {
            tracing::warn!(
                redis = self.address,
                "Redis answers, but {why}: clients are told to come again{said}"
            );
        }
        if is_well && let Some(lasted) = self.refused.ended() {
            tracing::info!(
                redis = self.address,
                "Redis does what clients need again (it was refused {lasted})"
            );
        }
    }
}

/// One connection's place on the board.
pub(super) struct Line {
    board: Arc<ReachBoard>,
    index: usize,
}

impl Line {
    pub(super) fn up(&self) {
        self.board.set(self.index, State::Up);
    }

    pub(super) fn down(&self, trouble: &Trouble) {
        let words = trouble.in_words();
        let state = match trouble {
            Trouble::Refused(_) => State::Refused(words),
            Trouble::Absent(_) | Trouble::Deaf => State::Down(words),
        };
        self.board.set(self.index, state);
    }
}

#[cfg(test)]
mod tests {
    use fred::error::{Error, ErrorKind};

    use super::*;

    fn gone() -> Trouble {
        Trouble::Absent(Error::new(ErrorKind::IO, "gone"))
    }

    #[test]
    fn it_is_reached_when_all_lines_are_up_and_lost_with_the_first() {
        let board = ReachBoard::new("host:1");
        let reach = board.reach();
        let (a, b) = (board.line(), board.line());
        a.up();
        assert_eq!(
            *reach.borrow(),
            Reach::Never("Redis at host:1: connecting".into())
        );
        b.up();
        assert_eq!(*reach.borrow(), Reach::Reached);
        a.down(&gone());
        assert_eq!(*reach.borrow(), Reach::Lost("Redis at host:1: gone".into()));
        a.up();
        assert!(reach.borrow().is_reached());
    }

    #[test]
    fn a_redis_that_refuses_is_not_reached_and_carries_frames_all_the_same() {
        let board = ReachBoard::new("host:1");
        let (a, b) = (board.line(), board.line());
        b.up();
        a.down(&Trouble::refused("HSET", "OOM"));
        let refuses = "Redis at host:1: it refuses what clients need: HSET (OOM)";
        assert_eq!(*board.reach().borrow(), Reach::Never(refuses.into()));
        assert!(board.wire().borrow().is_reached());
        a.up();
        a.down(&Trouble::refused("HSET", "OOM"));
        assert_eq!(*board.reach().borrow(), Reach::Lost(refuses.into()));
        b.down(&gone());
        assert_eq!(*board.reach().borrow(), Reach::Lost(refuses.into()));
        assert!(!board.wire().borrow().is_reached());
    }
}
