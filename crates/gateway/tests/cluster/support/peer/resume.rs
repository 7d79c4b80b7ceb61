//! A session that goes on over another connection.

use std::collections::BTreeMap;

use switchboard_client::{ConnectError, Options};
use switchboard_protocol::client_message::{Bye, Resume};
use switchboard_protocol::{ClientMessage, PeerId};
use switchboard_testkit::GatewayProcess;

use super::{Peer, options};

/// What a client keeps of its session between two connections.
#[derive(Clone)]
pub(crate) struct Ticket {
    pub(crate) peer: PeerId,
    pub(crate) secret: String,
    pub(crate) seen: BTreeMap<PeerId, u64>,
    pub(crate) next_id: u64,
}

impl Peer {
    /// The session as it is now; the connection stays.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            peer: self.id,
            secret: self.welcome.resume.secret.clone(),
            seen: self.seen.clone(),
            next_id: self.next_id,
        }
    }

    /// The connection breaks without a word.
    pub(crate) fn lose(self) -> Ticket {
        self.ticket()
    }

    /// Says goodbye as a page does that may be reloading; the gateway closes with 1000.
    pub(crate) async fn bye_for(mut self, hold_ms: u64) {
        let hold_ms = Some(hold_ms);
        self.say(&ClientMessage::Bye(Bye { hold_ms }));
        let closed = self.closed().await;
        assert_eq!(closed.code, 1000, "{closed}");
    }

    /// Opens another connection to `gateway` and goes on there. What the former one still has to say is in the peer
    /// that is returned.
    pub(crate) async fn move_to(&mut self, gateway: &GatewayProcess) -> Peer {
        let mut moved = self.ticket().resume(gateway).await;
        moved.heard = std::mem::take(&mut self.heard);
        std::mem::replace(self, moved)
    }
}

impl Ticket {
    /// A client of `gateway` that shows it.
    pub(crate) fn options(&self, gateway: &GatewayProcess) -> Options {
        Options {
            resume: Some(Resume {
                peer: self.peer,
                secret: self.secret.clone().into(),
                seen: self.seen.clone(),
                handled: None,
            }),
            ..options(gateway)
        }
    }

    /// Comes to `gateway` with it; `welcome.resumed` says what came of it.
    pub(crate) async fn show(&self, options: &Options) -> Result<Peer, ConnectError> {
        let mut peer = Peer::open(options).await?;
        if peer.welcome.resumed {
            assert_eq!(peer.id, self.peer, "a session keeps its id");
            peer.seen = self.seen.clone();
            peer.next_id = self.next_id;
        }
        Ok(peer)
    }

    /// The session goes on at `gateway`.
    pub(crate) async fn resume(&self, gateway: &GatewayProcess) -> Peer {
        let peer = self.show(&self.options(gateway)).await;
        let peer = peer.unwrap_or_else(|error| panic!("{error}\n{}", gateway.log()));
        assert!(peer.welcome.resumed, "not resumed\n{}", gateway.log());
        peer
    }
}
