//! Whether Redis answers on every connection.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::backend::Reach;

/// Puts together what each connection knows.
pub(super) struct ReachBoard {
    /// Per connection: why it is down, in words.
    lines: Mutex<Vec<Option<String>>>,
    address: String,
    reach: watch::Sender<Reach>,
}

impl ReachBoard {
    pub(super) fn new(address: &str) -> (Arc<Self>, watch::Receiver<Reach>) {
        let (reach, receiver) =
            watch::channel(Reach::Never(format!("Redis at {address}: connecting")));
        (
            Arc::new(Self {
                lines: Mutex::default(),
                address: address.to_owned(),
                reach,
            }),
            receiver,
        )
    }

    /// A line for one more connection, down until it says otherwise.
    pub(super) fn line(self: &Arc<Self>) -> Line {
        let mut lines = self.lines.lock();
        lines.push(Some("connecting".into()));
        Line {
            board: self.clone(),
            index: lines.len() - 1,
        }
    }

    fn set(&self, index: usize, down: Option<String>) {
        let mut lines = self.lines.lock();
        lines[index] = down;
        let why = lines
            .iter()
            .flatten()
            .next()
            .map(|why| format!("Redis at {}: {why}", self.address));
        self.reach.send_if_modified(|reach| {
            let now = match (why, &*reach) {
                (None, _) => Reach::Reached,
                (Some(why), Reach::Never(_)) => Reach::Never(why),
                (Some(why), _) => Reach::Lost(why),
            };
            let changed = *reach != now;
            *reach = now;
            changed
        });
    }
}

/// One connection's place on the board.
pub(super) struct Line {
    board: Arc<ReachBoard>,
    index: usize,
}

impl Line {
    pub(super) fn up(&self) {
        self.board.set(self.index, None);
    }

    pub(super) fn down(&self, why: String) {
        self.board.set(self.index, Some(why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_reached_when_all_lines_are_up_and_lost_with_the_first() {
        let (board, reach) = ReachBoard::new("host:1");
        let (a, b) = (board.line(), board.line());
        a.up();
        assert_eq!(
            *reach.borrow(),
            Reach::Never("Redis at host:1: connecting".into())
        );
        b.up();
        assert_eq!(*reach.borrow(), Reach::Reached);
        a.down("gone".into());
        assert_eq!(*reach.borrow(), Reach::Lost("Redis at host:1: gone".into()));
        a.up();
        assert!(reach.borrow().is_reached());
    }
}
