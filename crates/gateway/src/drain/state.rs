//! Which drain is under way: at most one, and once a node stops there is no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Order, Progress, Share};
use crate::registry::Registry;
use crate::tally::Tally;

/// The drains of a node.
pub(crate) struct Drains {
    state: Mutex<State>,
    stop: watch::Sender<Option<Order>>,
    taking: AtomicBool,
    registry: Arc<Registry>,
}

/// Why a drain cannot begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CannotDrain {
    #[error("this node is stopping already")]
    Stopping,
    #[error("this node is moving a share of its sessions already; wait until that is done")]
    Sharing,
    #[error("this node is alone, without Redis: its sessions have nowhere else to go")]
    Alone,
}

#[derive(Default)]
struct State {
    under_way: UnderWay,
    /// When all its clients have been told to move; `None` if there was no drain yet.
    window_ends: Option<Instant>,
    /// The part that the last one moved; `None` if the node stops.
    share: Option<Share>,
    /// Connections in it, if it moves a share.
    picked: u64,
    /// The counts at its beginning.
    before: Tally,
}

#[derive(Default)]
enum UnderWay {
    #[default]
    Nothing,
    Share(CancellationToken),
    Stop,
}

impl Drains {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self {
            state: Mutex::default(),
            stop: watch::Sender::new(None),
            taking: AtomicBool::new(true),
            registry,
        }
    }

    /// Begins to stop the node. If a share is being moved, it becomes a part of this drain.
    pub(crate) fn stop(&self, order: Order) -> Result<(), CannotDrain> {
        let mut state = self.state.lock();
        match &state.under_way {
            UnderWay::Stop => return Err(CannotDrain::Stopping),
            UnderWay::Share(cancel) => cancel.cancel(),
            UnderWay::Nothing => {}
        }
        *state = State {
            under_way: UnderWay::Stop,
            window_ends: Some(Instant::now() + order.grace + order.window),
            before: self.registry.tally(),
            ..State::default()
        };
        self.stop.send_replace(Some(order));
        Ok(())
    }

    /// Waits until the node is to stop.
    pub(crate) async fn stopping(&self) -> Order {
        let mut stop = self.stop.subscribe();
        loop {
            if let Some(order) = *stop.borrow_and_update() {
                return order;
            }
            // The sender is a field of `self`.
            let _ = stop.changed().await;
        }
    }

    /// Begins to move a share of the sessions. `pick` is called only if no other drain is under way.
    pub(super) fn share<T>(
        &self,
        share: Share,
        window: Duration,
        pick: impl FnOnce() -> Vec<T>,
    ) -> Result<(Vec<T>, CancellationToken), CannotDrain> {
        let mut state = self.state.lock();
        match state.under_way {
            UnderWay::Stop => return Err(CannotDrain::Stopping),
            UnderWay::Share(_) => return Err(CannotDrain::Sharing),
            UnderWay::Nothing => {}
        }
        let (before, picked) = (self.registry.tally(), pick());
        let cancel = CancellationToken::new();
        *state = State {
            under_way: UnderWay::Share(cancel.clone()),
            window_ends: Some(Instant::now() + window),
            share: Some(share),
            picked: picked.len() as u64,
            before,
        };
        Ok((picked, cancel))
    }

    /// The drain of a share is over.
    pub(super) fn share_done(&self) {
        let mut state = self.state.lock();
        if matches!(state.under_way, UnderWay::Share(_)) {
            state.under_way = UnderWay::Nothing;
        }
    }

    /// From now on new connections are refused.
    pub(super) fn take_no_more(&self) {
        self.taking.store(false, Ordering::Relaxed);
    }

    /// Whether new connections are taken.
    pub(crate) fn takes(&self) -> bool {
        self.taking.load(Ordering::Relaxed)
    }

    /// Time since all clients of the drain under way have been told to move.
    pub(crate) fn overdue(&self) -> Duration {
        let state = self.state.lock();
        let under_way = !matches!(state.under_way, UnderWay::Nothing);
        let window_ends = state.window_ends.filter(|_| under_way);
        window_ends.map_or(Duration::ZERO, |at| at.elapsed())
    }

    /// The progress of the drain under way, or of the last one.
    pub(crate) fn progress(&self) -> Progress {
        let state = self.state.lock();
        let Tally {
            told,
            moved,
            closed,
            left,
        } = self.registry.tally().since(state.before);
        let ended = moved + closed + left;
        let (draining, remaining) = match state.under_way {
            UnderWay::Nothing => (false, 0),
            UnderWay::Share(_) => (true, state.picked.saturating_sub(ended)),
            UnderWay::Stop => (true, self.registry.len() as u64),
        };
        let picked = match state.under_way {
            UnderWay::Stop => ended + remaining,
            UnderWay::Nothing | UnderWay::Share(_) => state.picked,
        };
        Progress {
            draining,
            share: state.share,
            picked,
            told,
            moved,
            closed,
            left,
            remaining,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_protocol::CloseCode;

    use crate::metrics::Metrics;

    const WINDOW: Duration = Duration::from_secs(900);
    const ORDER: Order = Order {
        grace: Duration::ZERO,
        window: Duration::ZERO,
        deadline: Duration::from_secs(1),
    };

    fn drains() -> (Drains, Arc<Registry>, Share) {
        let registry = Arc::new(Registry::of(&Metrics::new()));
        let share = "20%".parse().expect("a share");
        (Drains::new(registry.clone()), registry, share)
    }

    #[test]
    fn only_one_drain_is_under_way_and_stopping_goes_before_a_share() {
        let (drains, _, share) = drains();
        let (_, cancel) = drains
            .share(share, WINDOW, || vec![1, 2])
            .expect("the first");
        let nobody = || -> Vec<u8> { panic!("nobody is picked for a drain that does not begin") };
        assert_eq!(
            drains.share(share, WINDOW, nobody).err(),
            Some(CannotDrain::Sharing)
        );
        assert_eq!(drains.overdue(), Duration::ZERO, "its window is open");
        drains.stop(ORDER).expect("a share gives way");
        assert!(cancel.is_cancelled());
        assert!(drains.overdue() > Duration::ZERO, "its window is empty");
        assert_eq!(
            drains.share(share, WINDOW, nobody).err(),
            Some(CannotDrain::Stopping)
        );
        assert_eq!(drains.stop(ORDER), Err(CannotDrain::Stopping));
        drains.share_done();
        assert_eq!(drains.stop(ORDER), Err(CannotDrain::Stopping));
    }

    #[tokio::test]
    async fn whoever_asks_first_says_how_the_node_stops() {
        let (drains, _, _) = drains();
        drains.stop(ORDER).expect("the first");
        let later = Order {
            grace: Duration::from_secs(9),
            ..ORDER
        };
        assert!(drains.stop(later).is_err());
        assert_eq!(drains.stopping().await, ORDER);
    }

    #[test]
    fn each_drain_counts_from_zero() {
        let (drains, registry, share) = drains();
        let count = |drains: &Drains| {
            let progress = drains.progress();
            (
                progress.draining,
                progress.picked,
                progress.moved,
                progress.remaining,
            )
        };
        assert_eq!(count(&drains), (false, 0, 0, 0));
        drains
            .share(share, WINDOW, || vec![1, 2, 3])
            .expect("the first");
        registry.ended(Some(CloseCode::Superseded));
        assert_eq!(count(&drains), (true, 3, 1, 2));
        drains.share_done();
        assert_eq!(count(&drains), (false, 3, 1, 0));
        drains.share(share, WINDOW, || vec![4]).expect("the second");
        assert_eq!(count(&drains), (true, 1, 0, 1));
    }
}
