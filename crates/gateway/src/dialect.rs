//! Wire protocols in front of the same sessions. A dialect translates frames into messages and back; it has no rooms, no
//! routing and no state that the session has.

pub(crate) mod native;
