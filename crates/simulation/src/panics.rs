//! Panics in the run on this thread, in any task, caught or not: a node's tasks are guarded, and what
//! the runtime spawns ends without a word.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on they are noted, none so far.
pub(crate) fn watch() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A thread that is about to end has no place for it any more.
            let _ = SEEN.try_with(|seen| seen.borrow_mut().push(info.to_string()));
            before(info);
        }));
    });
    SEEN.take();
}

/// Those since it was asked last.
pub(crate) fn take() -> Vec<String> {
    SEEN.take()
}
