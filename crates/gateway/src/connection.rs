//! A connection from its first moment: whether it is taken, and where it stands in the registry.

use std::sync::Arc;

use switchboard_protocol::PeerId;

use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::gateway::Gateway;
use crate::mailbox::Mailbox;
use crate::session_task::Connection;
use crate::tasks::{self, Task};
use crate::wire::Wire;

/// Serves a connection to its end, in a task of its own.
pub(crate) fn start(gateway: Arc<Gateway>, wire: Wire, dialect: Box<dyn Dialect>, caller: Caller) {
    let peer = PeerId::random();
    let mailbox = Arc::new(Mailbox::new(gateway.rules.outbox_bytes_max));
    let place = gateway.registry.enter(peer, &mailbox, caller.source);
    let mut connection = Connection {
        gateway: gateway.clone(),
        wire,
        dialect,
        peer,
        mailbox,
        token: caller.token,
        arrived: None,
        carriers: Some(caller.carriers),
        _place: place,
    };
    match caller.refused {
        Some(words) => tasks::spawn(&gateway.tasks, Task::Session, async move {
            connection.refuse(words).await;
        }),
        None => tasks::spawn(&gateway.tasks, Task::Session, async move {
            connection.run().await;
        }),
    }
}
