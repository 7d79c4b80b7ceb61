//! Which rooms a session may enter, under which name, and how large a room that it creates may be.

use std::time::Instant;

use switchboard_protocol::ErrorCode;
use switchboard_protocol::client_message::Join;

use super::rooms::room_id;
use super::{Enter, Live, Output, refusal};
use crate::grants::Ability;
use crate::operation::{Operation, Refused, RoomName};
use crate::rule::Rule;

impl Live {
    pub(super) fn enter(&mut self, enter: Enter<'_>, now: Instant, out: &mut Vec<Output<'_>>) {
        let id = enter.join.id;
        let entered = self
            .take_request(1, now)
            .and_then(|()| self.enter_or_rename(enter))
            .and_then(|operation| self.rooms.queue(operation));
        match entered {
            Ok(()) => self.rooms.perform_next(out),
            Err(refused) => out.push(refusal(Some(id), refused)),
        }
    }

    /// A session that claims a name in a room that it is in already takes that name there.
    fn enter_or_rename(&self, enter: Enter<'_>) -> Result<Operation, Refused> {
        let Enter { join, name } = enter;
        let room = room_id(&join.room)?;
        match name {
            Some(name) if name.claim.is_some() && self.rooms.is_in_or_joining(&room) => {
                Ok(Operation::Rename {
                    re: join.id,
                    room,
                    name,
                })
            }
            name => {
                let capacity = self.capacity_within(join.capacity);
                self.join(join, capacity, name)
            }
        }
    }

    pub(super) fn join(
        &self,
        join: Join<'_>,
        capacity: u32,
        name: Option<RoomName>,
    ) -> Result<Operation, Refused> {
        let room = room_id(&join.room)?;
        if !self.grants.covers(&room) {
            return Err(Refused::new(
                ErrorCode::Forbidden,
                format!("your token does not cover the room {room}"),
            ));
        }
        if !self.grants.can.has(Ability::Join) {
            return Err(Refused::new(
                ErrorCode::Forbidden,
                "your token does not allow you to join rooms",
            ));
        }
        if self.rooms.is_in_or_joining(&room) {
            return Err(Refused::new(
                ErrorCode::AlreadyJoined,
                format!("you are in the room {room} already"),
            ));
        }
        if self.rooms.count() >= self.rules.rooms_max {
            let message = format!(
                "you are in {} rooms, as many as allowed (room.max_per_session); leave one first",
                self.rules.rooms_max
            );
            let refused = Refused::new(ErrorCode::TooManyRooms, message);
            return Err(refused.by(Rule::RoomsPerSession));
        }
        Ok(Operation::Join {
            re: join.id,
            room,
            capacity,
            may_create: self.grants.can.has(Ability::Create),
            state: join.state.unwrap_or_default(),
            name,
        })
    }

    /// The capacity of a room that this session creates; to want more than is allowed is an error.
    pub(super) fn capacity(&self, wanted: Option<u32>) -> Result<u32, Refused> {
        let most = self.capacity_max();
        if wanted.is_none_or(|wanted| wanted <= most) {
            return Ok(self.capacity_within(wanted));
        }
        Err(if self.grants.capacity == Some(most) {
            let message = format!("your token allows a capacity of {most} at most");
            Refused::new(ErrorCode::Forbidden, message)
        } else {
            let message = format!("a room's capacity is {most} at most");
            Refused::new(ErrorCode::TooLarge, message)
        })
    }

    /// The same, where more than is allowed means as much as is allowed.
    fn capacity_within(&self, wanted: Option<u32>) -> u32 {
        let wanted = wanted.unwrap_or(self.rules.room_capacity);
        wanted.min(self.capacity_max())
    }

    fn capacity_max(&self) -> u32 {
        let granted = self.grants.capacity.unwrap_or(u32::MAX);
        self.rules.room_capacity_max.min(granted)
    }
}
