//! A connection from its first moment: whether it is taken, who its client is, and where it stands in the registry.

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_cluster::Repeated;
use switchboard_connection::{
    Arrival, Authenticate, Coming, Connection, Identity, Mailbox, RETRY_AFTER, Refusal, Seat,
    Transport,
};
use switchboard_dialects::{Dialect, Introduction};
use switchboard_protocol::{CloseCode, PeerId};
use switchboard_session::{Closing, Rule};

use crate::arrivals::Arrivals;
use crate::auth::{Authenticator, IdentityClaim, Refused};
use crate::caller::{Caller, Carriers};
use crate::gateway::Gateway;
use crate::registry::Registration;
use crate::session_places::Full;
use crate::source::Source;
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
            source: caller.source,
            arrivals: gateway.arrivals.clone(),
        }),
        token: caller.token,
        authenticate: Arc::new(Entrance {
            authenticator: gateway.authenticator.clone(),
            source: caller.source,
        }),
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
    source: Source,
    arrivals: Arc<Arrivals>,
}

impl Seat for RegistrySeat {
    fn admit(&mut self, coming: Coming) -> Result<(), Closing> {
        let admitted = self.registration.admit(coming).map_err(full);
        admitted
            .and_then(|()| self.arrive(coming))
            .inspect_err(warn)?;
        if let Some(carriers) = self.carriers.take() {
            carriers.greeted();
        }
        Ok(())
    }

    fn welcomed(&mut self, _: &PeerId, resumes: bool) {
        self.registration.welcomed(resumes);
    }
}

impl RegistrySeat {
    fn arrive(&self, coming: Coming) -> Result<(), Closing> {
        let now = tokio::time::Instant::now().into_std();
        match coming {
            Coming::New => self.arrivals.begin(self.source, now),
            Coming::Resuming => {
                self.arrivals.resume(now);
                Ok(())
            }
        }
    }
}

fn full(full: Full) -> Closing {
    let pause = RETRY_AFTER * 10;
    match full {
        Full::Node => Closing::because(
            CloseCode::Unavailable,
            "this node holds as many sessions as it may (limits.sessions)",
        )
        .retry_after(pause)
        .by(Rule::Sessions),
        Full::Address => Closing::because(
            CloseCode::Limit,
            "too many sessions from this address (limits.sessions_per_address)",
        )
        .retry_after(pause)
        .by(Rule::SessionsPerAddress),
    }
}

/// An address that has too much may be that of a proxy that nobody has named, and all clients behind it suffer.
fn warn(refused: &Closing) {
    static ADDRESSES: Repeated = Repeated::new();
    let of_address = [Rule::SessionsPerAddress, Rule::ConnectsPerSecondPerAddress];
    if let Some(rule) = refused.rule.filter(|rule| of_address.contains(rule))
        && let Some(said) = ADDRESSES.happened()
    {
        let rule = rule.as_str();
        tracing::warn!(
            rule,
            "an address has reached limits.{rule}; if it is the address of a proxy, name that in proxy.trusted{said}"
        );
    }
}

/// Lets the client of one connection in as `auth.*` says.
struct Entrance {
    authenticator: Arc<Authenticator>,
    source: Source,
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
        let identity = self
            .authenticator
            .authenticate(&claim, peer, self.source)
            .await
            .map_err(refusal)?;
        Ok(Identity {
            credential: self.authenticator.credential(&claim, &identity, peer),
            user: identity.user,
            name: identity.name,
            avatar: identity.avatar,
            grants: identity.grants,
            expires_at: identity.expires_at,
            is_verified: self.authenticator.asks_for_tokens(),
        })
    }
}

fn refusal(refused: Refused) -> Refusal {
    let words = refused.to_string().into();
    match refused {
        Refused::Token(_) => Refusal::Unauthorized(words),
        Refused::Limited { rule, retry_after } => Refusal::Limited {
            words,
            rule,
            retry_after,
        },
        Refused::Unavailable { retry_after, .. } => Refusal::Unavailable { words, retry_after },
    }
}
