//! The places that sessions have on this node: so many in all, and so many for one address.

use std::collections::HashMap;
use std::num::NonZeroU32;

use parking_lot::Mutex;
use switchboard_connection::Coming;

use crate::capacity::Capacity;
use crate::source::Source;

/// How many sessions there are, and of which address.
pub(crate) struct SessionPlaces {
    most: usize,
    most_per_address: Option<NonZeroU32>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// No address without a session is in it.
    by_source: HashMap<Source, u32>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The node has as many sessions as it may.
    Node,
    /// The address has.
    Address,
}

impl SessionPlaces {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            most: capacity.sessions,
            most_per_address: capacity.sessions_per_address,
            taken: Mutex::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.taken.lock().all
    }

    /// Takes a place. A session that is resumed may have one for its address in any case: it counts for that address
    /// already, here or on another node, and its people are in the middle of a call.
    pub(crate) fn take(&self, source: Source, coming: Coming) -> Result<(), Full> {
        let mut taken = self.taken.lock();
        if taken.all >= self.most {
            return Err(Full::Node);
        }
        let of_source = taken.by_source.get(&source).copied().unwrap_or_default();
        if coming == Coming::New && self.is_over(of_source + 1) {
            return Err(Full::Address);
        }
        taken.all += 1;
        taken.by_source.insert(source, of_source + 1);
        Ok(())
    }

    /// Whether a session that has a place may keep it.
    pub(crate) fn keep(&self, source: Source, coming: Coming) -> Result<(), Full> {
        let taken = self.taken.lock();
        let of_source = taken.by_source.get(&source).copied().unwrap_or_default();
        match coming {
            Coming::New if self.is_over(of_source) => Err(Full::Address),
            Coming::New | Coming::Resuming => Ok(()),
        }
    }

    /// A session that had a place has ended here.
    pub(crate) fn give_back(&self, source: Source) {
        let mut taken = self.taken.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(of_source) = taken.by_source.get_mut(&source) {
            *of_source -= 1;
            if *of_source == 0 {
                taken.by_source.remove(&source);
            }
        }
    }

    fn is_over(&self, of_source: u32) -> bool {
        self.most_per_address
            .is_some_and(|most| of_source > most.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(most: usize, most_per_address: u32) -> SessionPlaces {
        SessionPlaces::new(Capacity {
            sessions: most,
            sessions_per_address: NonZeroU32::new(most_per_address),
            connections: 1000,
        })
    }

    fn source(last: u8) -> Source {
        Source::of([192, 0, 2, last].into())
    }

    #[test]
    fn an_address_has_so_many_and_others_have_theirs() {
        let places = places(100, 2);
        let come = |last| places.take(source(last), Coming::New);
        assert_eq!(
            [come(1), come(1), come(1)],
            [Ok(()), Ok(()), Err(Full::Address)]
        );
        assert_eq!(come(2), Ok(()));
        places.give_back(source(1));
        assert_eq!(come(1), Ok(()));
        assert_eq!(places.len(), 3);
        for last in [1, 1, 2] {
            places.give_back(source(last));
        }
        assert_eq!(places.len(), 0);
        assert!(places.taken.lock().by_source.is_empty(), "nothing is kept");
    }

    #[test]
    fn a_resume_is_taken_over_the_bound_of_its_address_unless_it_becomes_a_new_session() {
        let places = places(3, 1);
        let (here, resuming) = (source(1), Coming::Resuming);
        assert_eq!(places.take(here, Coming::New), Ok(()));
        assert_eq!(places.take(here, resuming), Ok(()));
        assert_eq!(places.keep(here, resuming), Ok(()));
        assert_eq!(places.keep(here, Coming::New), Err(Full::Address));
        places.give_back(here);
        assert_eq!(places.keep(here, Coming::New), Ok(()));
    }

    #[test]
    fn the_bound_of_the_node_is_for_all_and_that_of_an_address_can_be_off() {
        let places = places(2, 0);
        let come = |coming| places.take(source(1), coming);
        assert_eq!([come(Coming::New), come(Coming::New)], [Ok(()); 2]);
        assert_eq!(come(Coming::Resuming), Err(Full::Node));
    }
}
