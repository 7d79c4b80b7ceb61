//! A connection from its first moment: whether it is taken, who its client is, and where it stands in the registry.

use std::sync::Arc;

use async_trait::async_trait;
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
            has_begun: false,
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
    /// It is counted as a new session.
    has_begun: bool,
}

impl Seat for RegistrySeat {
    fn admit(&mut self, coming: Coming) -> Result<(), Closing> {
        let admitted = self.registration.admit(coming).map_err(full);
        admitted.and_then(|()| self.arrive(coming))?;
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
    fn arrive(&mut self, coming: Coming) -> Result<(), Closing> {
        let now = tokio::time::Instant::now().into_std();
        match coming {
            Coming::New if self.has_begun => Ok(()),
            Coming::New => {
                self.arrivals.begin(self.source, now)?;
                self.has_begun = true;
                Ok(())
            }
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
        let hello = &introduction.hello;
        // A hello may want a session that is gone, and then get another.
        let resume = hello.resume.as_ref();
        let resume = resume.filter(|resume| resume.peer == *peer);
        let claim = IdentityClaim {
            token: hello.token.as_deref(),
            user: introduction.user.as_deref(),
            resume_secret: resume.map(|resume| &*resume.secret),
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
