//! Panics in the log: where each happened. The code that catches it logs what follows from it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};

use parking_lot::Mutex;
use switchboard_cluster::Repeated;
use switchboard_cluster::guard::is_watched;

use crate::tasks::Task;

/// Places in the code that panicked. A client may cause the same panic many times.
static PLACES: Mutex<Vec<(String, Repeated)>> = Mutex::new(Vec::new());

/// From now on a panic is a line in the log. Nothing else is written to standard error, because that may fail.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(log_panic));
}

/// A message that is formatted when the panic happens may contain what a client sent: it is logged at debug level only.
fn log_panic(panic: &PanicHookInfo<'_>) {
    if !is_watched() {
        Task::Other.count_panic();
    }
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut places = PLACES.lock();
    let index = places.iter().position(|(known, _)| *known == place);
    let index = index.unwrap_or_else(|| {
        places.push((place.clone(), Repeated::new()));
        places.len() - 1
    });
    let said = places[index].1.happened();
    drop(places);
    if let Some(said) = said {
        let words = panic.payload().downcast_ref::<&'static str>();
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        tracing::error!("a task panicked at {place}{words}{said}");
    }
    let words = panic.payload_as_str().unwrap_or_default();
    tracing::debug!("a task panicked at {place}: {words}");
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!("backtrace of the panic at {place}:\n{backtrace}");
    }
}
