//! What the directory holds, or another node says, and this release cannot read: one item is skipped, counted and said, and
//! all else goes on. A later release may have written it, or a program that should not.

use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use crate::observe::about::About;
use crate::observe::record_kind::RecordKind;
use crate::observe::repeated::Repeated;
use crate::observe::{Observation, Observe};
use crate::tasks::guard::caught;

/// Reads one item. What makes that panic cannot be read either: it is there for every node, and would end one after another.
pub(crate) fn read_one<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    caught(read).ok().flatten()
}

/// Counts what is skipped, and says it.
#[derive(Default)]
pub struct Unreadable {
    observe: OnceLock<Arc<dyn Observe>>,
    warnings: [Repeated; RecordKind::ALL.len()],
}

impl Unreadable {
    /// Who counts. The first one does.
    pub(crate) fn observed_by(&self, observe: &Arc<dyn Observe>) {
        self.observe.get_or_init(|| observe.clone());
    }

    /// Something was skipped: `what` says which, for an operator who wants to look at it.
    pub(crate) fn note(&self, kind: RecordKind, about: About<'_>, what: impl Display) {
        if let Some(observe) = self.observe.get() {
            observe.observe(Observation::Unreadable(kind));
        }
        let place = RecordKind::ALL.iter().position(|known| *known == kind);
        let warning = place.and_then(|place| self.warnings.get(place));
        if let Some(said) = warning.and_then(Repeated::happened) {
            tracing::warn!(
                session.id = about.session,
                room.id = about.room,
                node.id = about.node,
                kind = kind.as_str(),
                "what cannot be read is skipped: {what}{said}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_item_that_panics_is_skipped_as_one_that_cannot_be_read() {
        let read = |text: &&str| {
            read_one(|| match *text {
                "odd" => panic!("by a test"),
                text => text.parse::<u32>().ok(),
            })
        };
        let items = ["1", "odd", "none", "2"];
        let items: Vec<_> = items.iter().filter_map(read).collect();
        assert_eq!(items, [1, 2]);
    }
}
