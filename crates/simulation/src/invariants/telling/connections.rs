//! How clients come to connections and sessions, and lose them.

use std::collections::BTreeMap;

use super::{Tale, native};
use crate::invariants::thefts::SUPERSEDED;
use crate::trace::{Leaving, Promises, Secret, What};

impl Tale {
    pub(in crate::invariants) fn opens(&mut self, no: usize, seen: &[(usize, u64)]) {
        let connection = self.connections[no];
        self.note(What::Opened {
            client: no,
            connection,
            node: no,
        });
        let seen: BTreeMap<_, _> = seen
            .iter()
            .map(|(from, id)| (self.peer(*from), *id))
            .collect();
        self.note(What::Greeted {
            client: no,
            connection,
            promises: native(),
            resume: None,
            seen,
        });
    }

    pub(in crate::invariants) fn resumes(&mut self, no: usize, seen: &[(usize, u64)]) {
        self.connections[no] += 2;
        self.opens(no, seen);
        self.is_welcomed_back(no, &[0, 1]);
    }

    pub(in crate::invariants) fn is_welcomed_back(&mut self, no: usize, members: &[usize]) {
        self.note(What::Welcomed {
            client: no,
            connection: self.connections[no],
            peer: self.peer(no),
            resumed: true,
            rooms: vec![self.view(members)],
        });
    }

    /// One resumes, and finds that another has left meanwhile, and may be back.
    pub(in crate::invariants) fn misses(&mut self, no: usize, whom: usize, is_back: bool) {
        self.connections[no] += 2;
        self.opens(no, &[]);
        let mut view = self.view(&[0, 1]);
        match is_back {
            true => view.members[whom].order += 7,
            false => drop(view.members.remove(whom)),
        }
        self.note(What::Welcomed {
            client: no,
            connection: self.connections[no],
            peer: self.peer(no),
            resumed: true,
            rooms: vec![view],
        });
    }

    pub(in crate::invariants) fn is_welcomed_anew(&mut self, no: usize) {
        self.connections[no] += 2;
        self.opens(no, &[]);
        self.note(What::Welcomed {
            client: no,
            connection: self.connections[no],
            peer: self.peer(no + 2),
            resumed: false,
            rooms: Vec::new(),
        });
    }

    pub(in crate::invariants) fn is_cut(&mut self, no: usize) {
        let connection = self.connections[no];
        self.note(What::Cut { connection });
    }

    pub(in crate::invariants) fn loses_connection(&mut self, no: usize) {
        self.note(What::Closed {
            client: no,
            connection: self.connections[no],
            code: None,
        });
    }

    pub(in crate::invariants) fn is_superseded(&mut self, no: usize) {
        self.note(What::Closed {
            client: no,
            connection: self.connections[no],
            code: Some(SUPERSEDED),
        });
    }

    /// Somebody takes its session with a secret that is still good.
    pub(in crate::invariants) fn is_robbed(&mut self, no: usize) {
        self.is_intruded(no, Secret::Outdated, Some(true));
    }

    pub(in crate::invariants) fn is_intruded(
        &mut self,
        no: usize,
        secret: Secret,
        resumed: Option<bool>,
    ) {
        self.note(What::Intruded {
            peer: self.peer(no),
            secret,
            resumed,
        });
    }

    pub(in crate::invariants) fn goes(&mut self, no: usize, how: Leaving) {
        self.note(What::Gone { client: no, how });
    }

    /// That one is promised this instead.
    pub(in crate::invariants) fn promise(&mut self, no: usize, promises: Promises) {
        for event in &mut self.trace.events {
            if let What::Greeted {
                client,
                promises: known,
                ..
            } = &mut event.what
                && *client == no
            {
                *known = promises;
            }
        }
        self.last(no).promises = promises;
    }
}
