//! What a call to the directory concerns, by its arguments, for the line that says that it failed.

use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::backend::bucket::Bucket;
use crate::backend::directory::{
    Admission, AssertMember, Attach, CutOff, JoinRequest, LostEntries, NewRevocation, PeerOrName,
    Rename, TakeOver,
};
use crate::backend::record::{Epoch, PeerRecord, Profile};
use crate::backend::revocation::{Credential, LogPosition};
use crate::observe::about::About;

/// An argument of a call.
pub(super) trait Concerns {
    /// Adds the ids that it names.
    fn add_to<'a>(&'a self, _: &mut About<'a>) {}
}

impl Concerns for PeerId {
    fn add_to<'a>(&'a self, about: &mut About<'a>) {
        about.session = Some(self.as_str());
    }
}

impl Concerns for RoomId {
    fn add_to<'a>(&'a self, about: &mut About<'a>) {
        about.room = Some(self.as_str());
    }
}

impl Concerns for NodeId {
    fn add_to<'a>(&'a self, about: &mut About<'a>) {
        about.node = Some(self.as_str());
    }
}

macro_rules! name {
    ($($request:ident: $($($id:ident).+),+;)*) => {$(
        impl Concerns for $request {
            fn add_to<'a>(&'a self, about: &mut About<'a>) {
                $(self.$($id).+.add_to(about);)+
            }
        }
    )*};
}

name! {
    JoinRequest: peer, room;
    Rename: peer, room;
    TakeOver: peer, room;
    AssertMember: member.peer, room;
    Attach: peer;
    Admission: peer, node;
    PeerRecord: peer;
}

impl Concerns for PeerOrName {}
impl Concerns for Profile {}
impl Concerns for UserId {}
impl Concerns for Bucket {}
impl Concerns for Epoch {}
impl Concerns for CutOff {}
impl Concerns for NewRevocation {}
impl Concerns for LostEntries {}
impl Concerns for LogPosition {}
impl Concerns for Credential {}
impl Concerns for bool {}
