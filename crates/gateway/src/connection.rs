//! A connection from its first moment: whether it is taken, who its client is, and where it stands in the registry.

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_cluster::Node;
use switchboard_connection::{
    Arrival, Authenticate, Connection, Identity, Mailbox, Refusal, Seat, Transport,
};
use switchboard_dialects::{Dialect, Introduction};
use switchboard_protocol::PeerId;

use crate::auth::{Authenticator, IdentityClaim, Refused, credential, unless_revoked};
use crate::caller::{Caller, Carriers};
use crate::gateway::Gateway;
use crate::metrics::Metrics;
use crate::registry::Registration;
use crate::tasks::{self, Task};

/// Serves a connection to its end, in a task of its own.
pub(crate) fn start(
    gateway: &Gateway,
    transport: impl Transport + 'static,
    dialect: Box<dyn Dialect>,
    caller: Caller,
) {
    let (host, peer) = (gateway.host.clone(), PeerId::random());
    let mailbox = Arc::new(Mailbox::new(host.rules.outbox_bytes_max));
    let registration = gateway.registry.enter(peer, &mailbox, caller.source);
    let arrival = Arrival {
        transport: Box::new(transport),
        dialect,
        peer,
        mailbox,
        seat: Box::new(RegistrySeat {
            registration,
            carriers: Some(caller.carriers),
        }),
        token: caller.token,
    };
    let mut connection = Connection::new(host, arrival);
    match caller.refused {
        Some(words) => tasks::spawn(&gateway.tasks, Task::Session, async move {
            connection.refuse(words).await;
        }),
        None => tasks::spawn(&gateway.tasks, Task::Session, async move {
            connection.run().await;
        }),
    }
}

/// A connection's place in the registry, and what it comes over until it has said hello.
struct RegistrySeat {
    registration: Registration,
    carriers: Option<Carriers>,
}

impl Seat for RegistrySeat {
    fn admit(&mut self) -> bool {
        let is_admitted = self.registration.admit();
        if is_admitted && let Some(carriers) = self.carriers.take() {
            carriers.greeted();
        }
        is_admitted
    }

    fn welcomed(&mut self, _: &PeerId, resumes: bool) {
        self.registration.welcomed(resumes);
    }
}

/// Lets clients in as `auth.*` says, and counts them.
pub(crate) struct Entrance {
    node: Node,
    authenticator: Arc<Authenticator>,
    metrics: Arc<Metrics>,
}

impl Entrance {
    pub(crate) fn new(
        node: Node,
        authenticator: Arc<Authenticator>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            node,
            authenticator,
            metrics,
        }
    }
}

#[async_trait]
impl Authenticate for Entrance {
    async fn authenticate(
        &self,
        introduction: &Introduction<'_>,
        peer: &PeerId,
    ) -> Result<Identity, Refusal> {
        let claim = IdentityClaim {
            token: introduction.hello.token.as_deref(),
            user: introduction.user.as_deref(),
        };
        let identity = self.authenticator.authenticate(&claim, peer).await;
        let identity = identity.and_then(|identity| unless_revoked(&self.node, peer, identity));
        let refused = identity.as_ref().err().map(|refused| &refused.error);
        self.metrics.authenticated(refused);
        match identity {
            Ok(identity) => Ok(Identity {
                credential: credential(&identity),
                user: identity.user,
                name: identity.name,
                avatar: identity.avatar,
                grants: identity.grants,
                expires_at: identity.expires_at,
                is_verified: self.authenticator.asks_for_tokens(),
            }),
            Err(Refused { error, retry_after }) => {
                let words = error.to_string().into();
                Err(match retry_after {
                    None => Refusal::Unauthorized(words),
                    Some(retry_after) => Refusal::Unavailable { words, retry_after },
                })
            }
        }
    }
}
