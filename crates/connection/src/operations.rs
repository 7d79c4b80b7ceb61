//! Carries out what a session asks of the cluster.

use std::sync::Arc;

use switchboard_cluster::{
    JoinError, JoinRequest, LocalSession, Node, Profile, RenameError, UpdateError,
};
use switchboard_protocol::limits::{NAME_BYTES_MAX, STATE_BYTES_MAX};
use switchboard_protocol::{ErrorCode, RoomId};
use switchboard_session::{Authorization, Claim, Operation, Refused, RoomName, Rule};

use crate::RETRY_AFTER;
use crate::authenticate::Authenticate;
use crate::authorization::refresh;
use crate::host::Host;

/// Who asks.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) local: Arc<LocalSession>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) avatar: Option<Arc<str>>,
    /// A token says who it is.
    pub(crate) is_verified: bool,
    /// Looks at its further tokens.
    pub(crate) authenticate: Arc<dyn Authenticate>,
}

/// What came of an operation: what the session may do from now on, where that changed.
pub(crate) type Performed = Result<Option<Box<Authorization>>, Refused>;

/// Carries out one operation.
pub(crate) async fn perform(host: Arc<Host>, asker: Asker, operation: Operation) -> Performed {
    let node = host.node.clone();
    let done = match operation {
        Operation::Refresh { token, .. } => {
            let refreshed = refresh(&host, &*asker.authenticate, &asker.local, token);
            return refreshed.await.map(Some);
        }
        Operation::Join {
            re,
            room,
            capacity,
            may_create,
            state,
            name,
        } => {
            let claim = name.as_ref().and_then(|name| name.claim);
            let profile = Profile {
                name: name.map(|name| name.text).or(asker.name),
                avatar: asker.avatar,
                state,
            };
            let join = JoinRequest {
                may_create,
                claim: claim.map(|claim| cluster_claim(claim, asker.is_verified)),
                ..node.join_request(&asker.local, room, capacity, profile)
            };
            let joined = match claim {
                Some(Claim::Numbered) => join_numbered(&node, &asker.local, re, join).await,
                _ => node.join(&asker.local, re, join).await,
            };
            joined.map_err(join_refused)
        }
        Operation::Rename { room, name, .. } => rename(&node, &asker, &room, &name)
            .await
            .map_err(rename_refused),
        Operation::Leave { room, .. } => node
            .leave(&asker.local, &room)
            .await
            .map_err(|_| unavailable()),
        Operation::Update { room, patch, .. } => node
            .update(&asker.local, &room, &patch)
            .await
            .map_err(update_refused),
    };
    done.map(|()| None)
}

fn cluster_claim(claim: Claim, is_verified: bool) -> switchboard_cluster::Claim {
    use switchboard_cluster::Claim::{FromAnybody, FromSameUser, IfFree};
    match claim {
        Claim::Numbered => IfFree,
        Claim::Newest if is_verified => FromSameUser,
        Claim::Newest => FromAnybody,
    }
}

/// Joins under the wanted name, or with a number behind it: a low one if one is free.
async fn join_numbered(
    node: &Node,
    local: &Arc<LocalSession>,
    re: u64,
    join: JoinRequest,
) -> Result<(), JoinError> {
    let wanted = join.profile.name.clone().unwrap_or_default();
    let mut joined = node.join(local, re, join.clone()).await;
    for number in numbers() {
        if joined != Err(JoinError::NameTaken) {
            break;
        }
        let mut again = join.clone();
        again.profile.name = Some(numbered(&wanted, number));
        joined = node.join(local, re, again).await;
    }
    joined
}

/// The same for a member that is in already.
async fn rename(
    node: &Node,
    asker: &Asker,
    room: &RoomId,
    name: &RoomName,
) -> Result<(), RenameError> {
    let Asker { local, .. } = asker;
    let claim = name.claim.unwrap_or(Claim::Numbered);
    let cluster_claim = cluster_claim(claim, asker.is_verified);
    let mut renamed = node.rename(local, room, &name.text, cluster_claim).await;
    for number in numbers().filter(|_| claim == Claim::Numbered) {
        if renamed != Err(RenameError::NameTaken) {
            break;
        }
        let again = numbered(&name.text, number);
        renamed = node.rename(local, room, &again, cluster_claim).await;
    }
    renamed
}

fn numbers() -> impl Iterator<Item = u32> {
    (1..10).chain((0..20).map(|_| fastrand::u32(10..100_000)))
}

/// No longer than a name may be.
fn numbered(name: &str, number: u32) -> Arc<str> {
    let number = number.to_string();
    let kept = name.floor_char_boundary(NAME_BYTES_MAX - number.len());
    format!("{}{number}", &name[..kept]).into()
}

fn join_refused(error: JoinError) -> Refused {
    match error {
        JoinError::Full { capacity } => Refused::new(
            ErrorCode::RoomFull,
            format!("the room has as many members as it may have ({capacity})"),
        ),
        JoinError::NameTaken => name_taken(),
        JoinError::Nameless => Refused::new(ErrorCode::BadMessage, "a name is missing; give one"),
        JoinError::NoSuchRoom => Refused::new(
            ErrorCode::NoSuchRoom,
            "there is no such room, and your token does not allow you to create it",
        ),
        JoinError::Stale => Refused::new(
            ErrorCode::Forbidden,
            "a newer connection of this session is in the room",
        ),
        JoinError::TooMuch { retry_after } => Refused::limited(
            Rule::ListedMembers,
            "the rooms that you join are too large to be listed to you so often",
            retry_after,
        ),
        JoinError::Busy { retry_after } => Refused::limited(
            Rule::RosterReads,
            "this node reads as many rosters as it may",
            retry_after,
        ),
        JoinError::Unavailable => unavailable(),
    }
}

fn rename_refused(error: RenameError) -> Refused {
    match error {
        RenameError::NotAMember => not_a_member(),
        RenameError::NameTaken => name_taken(),
        RenameError::Unavailable => unavailable(),
    }
}

fn name_taken() -> Refused {
    Refused::new(
        ErrorCode::NameTaken,
        "another member of that room holds this name; take another one",
    )
}

fn not_a_member() -> Refused {
    Refused::new(
        ErrorCode::NotAMember,
        "you are not in that room; join it first",
    )
}

fn update_refused(error: UpdateError) -> Refused {
    match error {
        UpdateError::NotAMember => not_a_member(),
        UpdateError::TooLarge => Refused::new(
            ErrorCode::TooLarge,
            format!("your state would be larger than {STATE_BYTES_MAX} bytes"),
        ),
        UpdateError::Unavailable => unavailable(),
    }
}

fn unavailable() -> Refused {
    Refused::for_now(
        ErrorCode::Unavailable,
        "the cluster cannot do this at the moment; try again",
        RETRY_AFTER,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_fits_behind_a_long_name() {
        assert_eq!(&*numbered("Ann", 7), "Ann7");
        let long = numbered(&"한".repeat(NAME_BYTES_MAX / 3 + 1), 12345);
        assert!(
            long.len() <= NAME_BYTES_MAX && long.ends_with("한12345"),
            "{long}"
        );
    }
}
