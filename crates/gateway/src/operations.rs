//! Carries out what a session asks of the cluster.

use std::sync::Arc;
use std::time::Duration;

use switchboard_cluster::{JoinError, JoinRoom, Local, Node, Profile, UpdateError};
use switchboard_protocol::ErrorCode;
use switchboard_protocol::limits::STATE_BYTES_MAX;
use switchboard_session::{Operation, Refused};

/// When to try again what the cluster could not do.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Who asks.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) local: Arc<Local>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) avatar: Option<Arc<str>>,
}

/// Carries out one operation.
pub(crate) async fn perform(node: Node, asker: Asker, operation: Operation) -> Result<(), Refused> {
    match operation {
        Operation::Join {
            re,
            room,
            capacity,
            may_create,
            state,
        } => {
            let profile = Profile {
                name: asker.name,
                avatar: asker.avatar,
                state,
            };
            let join = JoinRoom {
                re,
                room,
                capacity,
                may_create,
                profile,
                claim: None,
            };
            node.join(&asker.local, join).await.map_err(join_refused)
        }
        Operation::Leave { room, .. } => node
            .leave(&asker.local, &room)
            .await
            .map_err(|_| unavailable()),
        Operation::Update { room, patch, .. } => node
            .update(&asker.local, &room, &patch)
            .await
            .map_err(update_refused),
    }
}

fn join_refused(error: JoinError) -> Refused {
    match error {
        JoinError::Full { capacity } => Refused::new(
            ErrorCode::RoomFull,
            format!("the room has as many members as it may have ({capacity})"),
        ),
        JoinError::NameTaken => Refused::new(
            ErrorCode::NameTaken,
            "another member of that room holds this name; take another one",
        ),
        JoinError::Nameless => Refused::new(ErrorCode::BadMessage, "a name is missing; give one"),
        JoinError::NoSuchRoom => Refused::new(
            ErrorCode::NoSuchRoom,
            "there is no such room, and your token does not allow you to create it",
        ),
        JoinError::Stale => Refused::new(
            ErrorCode::Forbidden,
            "a newer connection of this session is in the room",
        ),
        JoinError::Unavailable => unavailable(),
    }
}

fn update_refused(error: UpdateError) -> Refused {
    match error {
        UpdateError::NotAMember => Refused::new(
            ErrorCode::NotAMember,
            "you are not in that room; join it first",
        ),
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
