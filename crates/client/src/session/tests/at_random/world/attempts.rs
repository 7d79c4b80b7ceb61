//! Attempts at a connection: one comes through, or does not, or does and nobody hears of it, or late.

use super::*;

pub(super) struct Attempt {
    pub(super) connection: ConnectionId,
    pub(super) resume: Option<Resume<'static>>,
    pub(super) since: Instant,
    /// Once the gateway has got to it.
    pub(super) welcome: Option<Welcome>,
}

impl World {
    pub(super) fn decide_attempt(&mut self, may_fail: bool) {
        if may_fail
            && self.random.one_in(2)
            && let Some((late, until)) = self.late.take()
            && self.rig.now < until
            && !self.forgotten
        {
            self.attach(&late);
            self.down.remove(&late.connection);
        }
        let Some(mut attempt) = self.attempt.take() else {
            return;
        };
        let timed_out = self.rig.now > attempt.since + SECOND * 10;
        if timed_out || may_fail && self.random.one_in(3) {
            let connection = attempt.connection;
            // A session of which the client never heard is nobody's.
            self.forgotten |= attempt.welcome.as_ref().is_some_and(|w| !w.resumed);
            if attempt.welcome.is_none() && attempt.resume.is_some() {
                self.late = Some((attempt, self.rig.now + SECOND * 20));
            }
            self.down.remove(&connection);
            return self.rig.fail(connection, lost());
        }
        match attempt.welcome {
            Some(welcome) => {
                let before = self.rig.me;
                self.rig.opened(attempt.connection, welcome);
                self.rig.me = self.rig.session.peer().expect("it was welcomed");
                if self.rig.me != before {
                    self.handled = 0;
                }
            }
            None => {
                attempt.welcome = Some(self.welcome(&attempt));
                self.attempt = Some(attempt);
            }
        }
    }

    /// The gateway gets to an attempt.
    fn welcome(&mut self, attempt: &Attempt) -> Welcome {
        self.in_flight = 1 + u32::try_from(self.random.below(3)).expect("it is small");
        let limits = limits(self.in_flight);
        if attempt.resume.is_none() || self.forgotten {
            self.forgotten = false;
            self.is_member = false;
            (self.last_id, self.sent) = (0, 0);
            self.unacknowledged.clear();
            self.late = None;
            self.attach(attempt);
            let peer = PeerId::random();
            let welcome = self.rig.welcome();
            return Welcome {
                peer,
                limits,
                ..welcome
            };
        }
        self.attach(attempt);
        let rooms = if self.is_member {
            self.revision += 1;
            vec![self.rig.snapshot("r", self.revision, &[self.other])]
        } else {
            Vec::new()
        };
        self.repeat_signals();
        let welcome = self.rig.welcome_back(rooms);
        Welcome { limits, ..welcome }
    }

    fn attach(&mut self, attempt: &Attempt) {
        if let Some(former) = self.down.get_mut(&self.attached) {
            former.push_back(Down::Close(4409));
        }
        self.attached = attempt.connection;
        self.down.insert(attempt.connection, VecDeque::new());
        self.said = Said {
            repeats_until: self.last_id,
            ..Said::default()
        };
        let seen = &attempt.resume.as_ref().map(|resume| &resume.seen);
        if let Some(seen) = seen.and_then(|seen| seen.get(&self.other)) {
            assert!(*seen <= self.handled, "seen, and not handled");
            self.unacknowledged = self.unacknowledged.split_off(&(seen + 1));
        }
    }
}
