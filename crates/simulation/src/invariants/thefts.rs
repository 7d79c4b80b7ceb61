//! An older secret is good until the session's client has said something after its newest `welcome`. Whoever has it may take
//! the session until then: whether it was too late for that is `privacy`'s to judge, and whose session it was finds its
//! connection closed for a newer one, rightly.

use switchboard_protocol::CloseCode;
use tokio::time::Duration;

use crate::trace::{ConnectionNo, Secret, Trace, What};

/// How a connection is closed for a newer one.
pub(super) const SUPERSEDED: u16 = CloseCode::Superseded.number();

/// Whether somebody took, with such a secret, the session that this connection resumed or had.
pub(super) fn was_taken_from(trace: &Trace, connection: ConnectionNo) -> bool {
    let mut since = Duration::ZERO;
    let mut whose = None;
    for event in &trace.events {
        match &event.what {
            What::Greeted {
                connection: greeted,
                resume,
                ..
            } if *greeted == connection => (since, whose) = (event.at, *resume),
            What::Welcomed {
                connection: welcomed,
                peer,
                ..
            } if *welcomed == connection => whose = Some(*peer),
            _ => {}
        }
    }
    trace.events.iter().any(|event| match &event.what {
        What::Intruded {
            peer,
            secret,
            resumed,
        } => {
            let has_taken = *resumed == Some(true)
                // A gateway that got no answer cannot say whether it has the session, and has it perhaps.
                || (resumed.is_none() && *secret == Secret::Outdated);
            has_taken && event.at >= since && whose == Some(*peer)
        }
        _ => false,
    })
}
