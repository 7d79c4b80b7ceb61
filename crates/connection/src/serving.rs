//! The second phase: a live session at work, one loop over its named events.

use std::future::poll_fn;
use std::task::{Context, Poll};

use switchboard_dialects::{Dialect, Frame, Heard};
use switchboard_session::{Input, Live};

use crate::carrying_out::{Performing, Work};
use crate::connection::Connection;
use crate::departure::End;
use crate::ice::IceTold;
use crate::operations::{Asker, Performed};
use crate::wire::{Wire, Wrote};

/// Frames that are read before writing gets its turn.
const READS_MAX: u32 = 32;

/// A live session at work.
pub(crate) struct Serving<'a> {
    wire: &'a mut Wire,
    dialect: &'a mut dyn Dialect,
    work: Work,
    reads_left: u32,
}

/// What the task wakes up for.
enum Event {
    Frame(Frame),
    Wrote(Wrote),
    Performed(Performed),
    Timer,
    End(End),
}

impl<'a> Serving<'a> {
    pub(crate) fn new(
        connection: &'a mut Connection,
        live: Live,
        asker: Asker,
        ice: IceTold,
    ) -> Self {
        let (host, mailbox) = (connection.host.clone(), connection.mailbox.clone());
        Self {
            work: Work::new(host, mailbox, live, asker, ice),
            wire: &mut connection.wire,
            dialect: &mut *connection.dialect,
            reads_left: READS_MAX,
        }
    }

    /// The session has ended: what its client may have been given counts as such, and the operation under way is told.
    pub(crate) fn into_performing(self) -> Option<Performing> {
        self.work.note_begun(self.wire, |_, _| true);
        let Work {
            performing,
            is_lasting,
            ..
        } = self.work;
        performing.filter(|_| is_lasting)
    }

    /// Until the client goes or this side ends it.
    pub(crate) async fn run(&mut self) -> End {
        if let Some(end) = self.hear(|dialect, heard| dialect.hear_rest(heard)) {
            return end;
        }
        loop {
            let event = poll_fn(|cx| self.poll_event(cx)).await;
            let (work, wire) = (&mut self.work, &mut *self.wire);
            let ended = match event {
                Event::Frame(frame) => work.frame(&frame).or_else(|| {
                    self.hear(|dialect, heard| switchboard_dialects::hear(dialect, &frame, heard))
                }),
                Event::Wrote(wrote) => work.wrote(wrote, wire),
                Event::Performed(performed) => work.performed(performed, wire),
                Event::Timer => work
                    .input(Input::Tick, wire)
                    .or_else(|| self.hear(|dialect, heard| dialect.tick(crate::now(), heard))),
                Event::End(end) => Some(end),
            };
            if let Some(end) = ended {
                return end;
            }
        }
    }

    /// Reading goes first, for a while, so that one flush serves a batch; then writing; a client that does not read does
    /// not stop either.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let Self {
            wire,
            dialect,
            work,
            reads_left,
        } = self;
        let mailbox = &work.mailbox;
        mailbox.register(cx.waker());
        if let Some(closing) = mailbox.closing() {
            return Poll::Ready(Event::End(End::Close(closing.clone())));
        }
        if let Some(performing) = &mut work.performing
            && let Poll::Ready(result) = performing.as_mut().poll(cx)
        {
            work.performing = None;
            return Poll::Ready(Event::Performed(result));
        }
        let mut frame = if *reads_left > 0 {
            wire.poll_read(cx)
        } else {
            Poll::Pending
        };
        if frame.is_pending() {
            let was_cut_short = *reads_left == 0;
            *reads_left = READS_MAX;
            match wire.poll_write(mailbox, *dialect, &|joined| work.admit(joined), cx) {
                Poll::Ready(Ok(wrote)) => return Poll::Ready(Event::Wrote(wrote)),
                Poll::Ready(Err(_)) => return Poll::Ready(Event::End(End::Gone)),
                Poll::Pending => {}
            }
            if was_cut_short {
                // A client that never pauses does not put off what time brings.
                if crate::now() >= work.wakes_at() {
                    return Poll::Ready(Event::Timer);
                }
                frame = wire.poll_read(cx);
            }
        }
        match frame {
            Poll::Ready(Ok(frame)) => {
                *reads_left = reads_left.saturating_sub(1);
                Poll::Ready(Event::Frame(frame))
            }
            Poll::Ready(Err(ended)) => Poll::Ready(Event::End(ended.into())),
            Poll::Pending => work.timer.as_mut().poll(cx).map(|()| Event::Timer),
        }
    }

    /// Carries out what the dialect hears, up to what ends the session.
    fn hear(
        &mut self,
        hear: impl FnOnce(&mut dyn Dialect, &mut dyn FnMut(Heard<'_>)),
    ) -> Option<End> {
        let (work, wire) = (&mut self.work, &mut *self.wire);
        let mut end = None;
        hear(self.dialect, &mut |heard| {
            if end.is_none() {
                end = work.heard(heard, wire);
            }
        });
        end
    }
}
