//! The requests of a client whose dialect has no ids for them: which are under way, and what their answers mean to it.

use std::collections::HashMap;

/// Numbers requests, and keeps what is to be known when their answer comes.
#[derive(Debug)]
pub(super) struct Requests<T> {
    last: u64,
    open: HashMap<u64, T>,
}

impl<T> Default for Requests<T> {
    fn default() -> Self {
        Self {
            last: 0,
            open: HashMap::new(),
        }
    }
}

impl<T> Requests<T> {
    /// The id of a request whose answer nobody waits for.
    pub(super) fn unheeded(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The id of a request, and what it is about. Each is answered once, so these are as many as the session lets through.
    pub(super) fn open(&mut self, about: T) -> u64 {
        let id = self.unheeded();
        self.open.insert(id, about);
        id
    }

    /// Those that are under way.
    pub(super) fn under_way(&self) -> impl Iterator<Item = &T> {
        self.open.values()
    }

    /// It is answered.
    pub(super) fn close(&mut self, id: u64) -> Option<T> {
        let about = self.open.remove(&id);
        if self.open.is_empty() {
            self.open.shrink_to_fit();
        }
        about
    }
}
