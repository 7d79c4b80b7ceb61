//! A panic is stopped here, and costs what it was in: one item, one errand, or the node.
//!
//! What other nodes, the directory or a client say is handled item by item behind [`caught`]: what makes one node panic
//! would else be said to the next one, and end every node in turn. Locks do not poison: code that holds one while it changes
//! something half leaves that as it is, so where it matters ([`in_room`](crate::node), a link's batch) it is put right
//! before the panic goes on.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// It panicked. Where is said by the panic hook of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it panicked")]
pub struct Panicked;

/// Does something that may panic.
pub fn caught<T>(handle: impl FnOnce() -> T) -> Result<T, Panicked> {
    struct Within;
    impl Drop for Within {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let within = Within;
    let handled = catch_unwind(AssertUnwindSafe(handle));
    drop(within);
    handled.map_err(|_| Panicked)
}

/// The same with a future. It is not polled again after a panic.
pub async fn caught_in<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Result<F::Output, Panicked> {
    poll_fn(|cx| match caught(|| future.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// Whether a panic on this thread would be caught here. A library's task may panic as well.
pub fn is_watched() -> bool {
    DEPTH.get() > 0
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_panic_ends_what_it_is_in_and_nothing_else() {
        assert_eq!(caught(is_watched), Ok(true));
        let nested = caught(|| {
            let inner = caught(|| -> u32 { panic!("inside") });
            (inner, is_watched())
        });
        assert_eq!(nested, Ok((Err(Panicked), true)));
        assert!(!is_watched());
        let task = async {
            tokio::task::yield_now().await;
            panic!("in the second step");
        };
        assert_eq!(caught_in(pin!(task)).await, Err::<(), _>(Panicked));
        assert_eq!(caught_in(pin!(async { 1 })).await, Ok(1));
        assert!(!is_watched());
    }
}
