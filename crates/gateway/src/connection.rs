//! A connection from its first moment: whether it is taken, and where it stands in the registry.

use std::sync::Arc;

use switchboard_protocol::{CloseCode, PeerId};
use switchboard_session::Closing;

use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::gateway::Gateway;
use crate::mailbox::Mailbox;
use crate::session_task::Connection;
use crate::tasks::{self, Task};
use crate::wire::Wire;

/// Serves a connection to its end, in a task of its own.
pub(crate) fn start(gateway: Arc<Gateway>, wire: Wire, dialect: Box<dyn Dialect>, caller: Caller) {
    let of = gateway.clone();
    tasks::spawn(
        &of.tasks,
        Task::Session,
        serve(gateway, wire, dialect, caller),
    );
}

async fn serve(gateway: Arc<Gateway>, wire: Wire, mut dialect: Box<dyn Dialect>, caller: Caller) {
    let peer = PeerId::random();
    let mailbox = Arc::new(Mailbox::new(gateway.rules.outbox_bytes_max));
    let _place = gateway.registry.enter(peer, &mailbox, caller.source);
    if let Some(words) = caller.refused {
        let closing = Closing::because(CloseCode::Forbidden, words);
        gateway.metrics.closed(Some(closing.code));
        // The close code is told after the handshake: a browser sees none before.
        return wire.close(&mailbox, &mut *dialect, &closing).await;
    }
    gateway.metrics.connected();
    let connection = Connection {
        gateway: gateway.clone(),
        wire,
        dialect,
        peer,
        mailbox,
        token: caller.token,
        arrived: None,
        carriers: Some(caller.carriers),
    };
    connection.run().await;
}
