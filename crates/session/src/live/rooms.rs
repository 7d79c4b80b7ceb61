//! The rooms of a session, and the operations that change them: one at a time, in the order the client asked.

use std::collections::VecDeque;

use switchboard_protocol::server_message::{Done, Left};
use switchboard_protocol::{ErrorCode, RoomId};

use super::{Output, refusal};
use crate::grants::{Ability, Grants};
use crate::operation::{Operation, Refused};
use crate::rule::Rule;

/// Requests that may wait behind the one that is being carried out.
const WAITING_MAX: usize = 64;

/// Where a session is, and where it will be.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    entered: Vec<RoomId>,
    /// Rooms whose leave got no answer: they may be left again, or joined.
    half_left: Vec<RoomId>,
    performing: Option<Box<Operation>>,
    waiting: VecDeque<Operation>,
}

impl Rooms {
    pub(super) fn resumed(rooms: impl Iterator<Item = RoomId>) -> Self {
        Self {
            entered: rooms.collect(),
            ..Self::default()
        }
    }

    /// Whether the session is in the room now.
    pub(super) fn has(&self, wanted: &str) -> bool {
        self.entered.iter().any(|room| room.as_str() == wanted)
    }

    /// As things will be when the operations before are done, if they succeed.
    pub(super) fn is_in_or_joining(&self, wanted: &RoomId) -> bool {
        let last = self.operations().filter_map(|operation| match operation {
            Operation::Join { room, .. } if room == wanted => Some(true),
            Operation::Leave { room, .. } if room == wanted => Some(false),
            _ => None,
        });
        last.last().unwrap_or_else(|| self.entered.contains(wanted))
    }

    pub(super) fn may_leave(&self, room: &RoomId) -> bool {
        self.is_in_or_joining(room) || self.half_left.contains(room)
    }

    /// Rooms that it is in or is about to enter.
    pub(super) fn count(&self) -> usize {
        let joins = |operation: &&Operation| matches!(operation, Operation::Join { .. });
        self.entered.len() + self.operations().filter(joins).count()
    }

    fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.performing.as_deref().into_iter().chain(&self.waiting)
    }

    /// The operation waits for its turn.
    pub(super) fn queue(&mut self, operation: Operation) -> Result<(), Refused> {
        if self.waiting.len() >= WAITING_MAX {
            let message = format!("{WAITING_MAX} requests are waiting; wait for answers");
            let refused = Refused::new(ErrorCode::RateLimited, message);
            return Err(refused.by(Rule::WaitingRequests));
        }
        self.waiting.push_back(operation);
        Ok(())
    }

    /// Begins the next operation, unless one is being carried out.
    pub(super) fn perform_next(&mut self, out: &mut Vec<Output<'_>>) {
        if self.performing.is_some() {
            return;
        }
        let Some(next) = self.waiting.pop_front() else {
            // Most sessions ask for nothing for long, and keep no memory for it.
            self.waiting = VecDeque::new();
            return;
        };
        if let Operation::Leave { room, .. } | Operation::Join { room, .. } = &next {
            self.entered.retain(|known| known != room);
            self.half_left.retain(|known| known != room);
        }
        self.performing = Some(Box::new(next.clone()));
        out.push(Output::Perform(next));
    }

    /// The operation that was being carried out is over.
    pub(super) fn performed(&mut self, result: Result<(), Refused>, out: &mut Vec<Output<'_>>) {
        let Some(operation) = self.performing.take() else {
            return;
        };
        let re = operation.re();
        match (*operation, result) {
            (Operation::Join { room, .. }, Ok(())) => self.entered.push(room),
            (Operation::Leave { room, .. }, Ok(())) => {
                out.push(Output::Send(Left { re, room }.into()));
            }
            (
                Operation::Update { .. } | Operation::Rename { .. } | Operation::Refresh { .. },
                Ok(()),
            ) => {
                out.push(Output::Send(Done { re, to: None }.into()));
            }
            (Operation::Leave { room, .. }, Err(refused)) => {
                self.half_left.push(room);
                out.push(refusal(Some(re), refused));
            }
            (_, Err(refused)) => out.push(refusal(Some(re), refused)),
        }
        self.perform_next(out);
    }

    /// The rights are others. What waits to be carried out and is not granted any more is refused, and the session is no
    /// longer in rooms that it has no right to be in: it is to be [taken out](Output::Expel).
    pub(super) fn narrow(&mut self, grants: &Grants, out: &mut Vec<Output<'_>>) {
        self.entered.retain(|room| {
            let is_covered = grants.covers(room);
            if !is_covered {
                out.push(Output::Expel(room.clone()));
            }
            is_covered
        });
        self.waiting.retain_mut(|operation| {
            let is_granted = match operation {
                Operation::Join {
                    room,
                    may_create,
                    capacity,
                    ..
                } => {
                    *may_create &= grants.can.has(Ability::Create);
                    *capacity = grants
                        .capacity
                        .map_or(*capacity, |most| most.min(*capacity));
                    grants.covers(room) && grants.can.has(Ability::Join)
                }
                Operation::Update { .. } => grants.can.has(Ability::State),
                _ => true,
            };
            if !is_granted {
                let words = "your new token does not allow this any more";
                out.push(refusal(
                    Some(operation.re()),
                    Refused::new(ErrorCode::Forbidden, words),
                ));
            }
            is_granted
        });
    }

    /// The cluster took the session out of the room.
    pub(super) fn forget(&mut self, room: &RoomId) {
        self.entered.retain(|known| known != room);
    }
}

pub(super) fn room_id(text: &str) -> Result<RoomId, Refused> {
    text.parse()
        .map_err(|error| Refused::new(ErrorCode::BadMessage, format!("field `room`: {error}")))
}

pub(super) fn not_a_member(room: &str) -> Refused {
    Refused::new(
        ErrorCode::NotAMember,
        format!("you are not in the room {room}; join it first"),
    )
}
