//! Calls spread over a time at random.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Calls `each` for all of `items` within `window`, in random order. The window is divided into as many slots as there
/// are items, and each gets a random moment of its slot: clients do not move at the same moment, and the load is even.
pub(crate) async fn pace<T>(mut items: Vec<T>, window: Duration, mut each: impl FnMut(T)) {
    fastrand::shuffle(&mut items);
    let (start, count) = (Instant::now(), items.len() as f64);
    for (index, item) in items.into_iter().enumerate() {
        let part = (index as f64 + fastrand::f64()) / count;
        sleep_until(start + window.mul_f64(part)).await;
        each(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn each_has_its_own_moment_and_all_are_within_the_window() {
        let start = Instant::now();
        let mut moments = Vec::new();
        pace((0..100).collect(), WINDOW, |item: u32| {
            moments.push((item, start.elapsed()));
        })
        .await;
        let slot = WINDOW / 100;
        // Timers count whole milliseconds, rounded up.
        let tick = Duration::from_millis(1);
        for ((_, moment), index) in moments.iter().zip(0_u32..) {
            assert!(
                *moment >= slot * index && *moment <= slot * (index + 1) + tick,
                "{moment:?} is not in slot {index}"
            );
        }
        let order: Vec<_> = moments.iter().map(|(item, _)| *item).collect();
        assert!(!order.is_sorted(), "{order:?}");
        let mut all = order;
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_window_all_come_at_once() {
        let start = Instant::now();
        let mut count = 0;
        pace(vec![(); 1000], Duration::ZERO, |()| count += 1).await;
        pace(Vec::<()>::new(), WINDOW, |()| count += 1).await;
        assert_eq!(count, 1000);
        assert!(start.elapsed() <= Duration::from_millis(1));
    }
}
