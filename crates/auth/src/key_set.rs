//! The keys that an issuer publishes: they change while tokens are checked.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::key::Key;

/// The keys of an issuer as they were last read. Clones are the same set.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Arc<RwLock<Option<Arc<[Key]>>>>);

impl KeySet {
    /// From now on these count, and no others. `None`: none is known.
    pub fn replace(&self, keys: Option<Vec<Key>>) {
        *self.0.write() = keys.map(Into::into);
    }

    /// `None`: none was read yet, or not for too long.
    pub(crate) fn keys(&self) -> Option<Arc<[Key]>> {
        self.0.read().clone()
    }
}
