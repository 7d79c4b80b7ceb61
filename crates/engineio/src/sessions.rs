//! All sessions of a server, by their ids.

use std::sync::Arc;
use std::time::Instant;

use dashmap::DashMap;

use crate::refused::Refused;
use crate::session::{Session, Transport};
use crate::settings::Settings;
use crate::shared::SharedSession;
use crate::sid::Sid;

/// Sessions, from their beginning until they are removed.
#[derive(Debug)]
pub struct Sessions<W> {
    settings: Arc<Settings>,
    by_sid: DashMap<Sid, Arc<SharedSession<W>>>,
}

impl<W> Sessions<W> {
    /// None yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            by_sid: DashMap::new(),
        }
    }

    /// What holds for all of them.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Begins one.
    pub fn open(&self, transport: Transport, now: Instant) -> (Sid, Arc<SharedSession<W>>) {
        let sid = Sid::random();
        let session = Session::open(&sid, transport, self.settings.clone(), now);
        let session = SharedSession::new(session);
        self.by_sid.insert(sid, session.clone());
        (sid, session)
    }

    /// The session that a request names.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, sid: &Sid) -> Result<Arc<SharedSession<W>>, Refused> {
        let session = self.by_sid.get(sid).ok_or(Refused::UnknownSid)?;
        Ok(session.clone())
    }

    /// Forgets one whose task has ended.
    pub fn remove(&self, sid: &Sid) {
        self.by_sid.remove(sid);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_sid.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_sid.is_empty()
    }
}
