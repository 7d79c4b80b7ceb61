//! How a client looks to others: as it enters, so it must be listed until it leaves, whatever nodes write down and read meanwhile.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use switchboard_client::{Client, Options, RequestError};
use switchboard_protocol::server_message::Joined;
use switchboard_protocol::{ErrorCode, Member, MemberState, PeerId, RoomId};
use tokio::time::{Instant, sleep};

use crate::door::Door;

const ENTERS_WITHIN: Duration = Duration::from_secs(30);
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Name and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) name: String,
    pub(crate) state: MemberState,
}

impl Look {
    /// Of one of many clients.
    pub(crate) fn of(client: usize) -> Self {
        let state = format!(r#"{{"number":{client},"muted":true}}"#);
        Self {
            name: format!("Client {client}"),
            state: MemberState::from_json(&state).expect("it is a JSON object"),
        }
    }

    fn is_of(&self, member: &Member) -> bool {
        member.name.as_deref() == Some(&*self.name) && member.state == self.state
    }
}

/// Lets somebody new enter a room, and counts those in it who are not listed as they entered.
pub(crate) async fn misreported(
    door: &Arc<Door>,
    room: &RoomId,
    members: &[(PeerId, Look)],
) -> Result<u64> {
    let (newcomer, _events) = Client::connect(Options::new(door.url()))
        .await
        .context("somebody new cannot connect")?;
    let joined = enter(&newcomer, room).await;
    let joined = joined.with_context(|| format!("somebody new cannot enter {room}"))?;
    newcomer.bye().await;
    let is_listed = |(peer, look): &&(PeerId, Look)| {
        let mut listed = joined.members.iter();
        listed.any(|member| member.peer == *peer && look.is_of(member))
    };
    let listed = members.iter().filter(is_listed).count();
    Ok((members.len() - listed) as u64)
}

/// Tries again for a while: after Redis has lost its memory nobody enters a room before that is filled again.
async fn enter(newcomer: &Client, room: &RoomId) -> Result<Joined, RequestError> {
    let deadline = Instant::now() + ENTERS_WITHIN;
    loop {
        let joined = newcomer.join(room, None, None).await;
        let later = matches!(&joined, Err(RequestError::Refused { code, .. }) if *code == ErrorCode::Unavailable);
        if !later || Instant::now() > deadline {
            return joined;
        }
        sleep(AGAIN_AFTER).await;
    }
}

#[cfg(test)]
mod tests {
    use switchboard_protocol::{Connection, UserId};

    use super::*;

    #[test]
    fn whose_name_or_state_is_gone_is_not_listed_as_it_entered() {
        let look = Look::of(7);
        let peer = PeerId::random();
        let member = Member {
            peer,
            user: UserId::anonymous(&peer),
            name: Some(look.name.as_str().into()),
            avatar: None,
            state: look.state.clone(),
            order: 1,
            joined_at: 1,
            connection: Connection::Live,
        };
        assert!(look.is_of(&member));
        let nameless = Member {
            name: None,
            ..member.clone()
        };
        assert!(!look.is_of(&nameless));
        let stateless = Member {
            state: MemberState::default(),
            ..member
        };
        assert!(!look.is_of(&stateless));
    }
}
