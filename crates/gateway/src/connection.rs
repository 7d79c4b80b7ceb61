//! A connection from its first moment: whether it is taken, and where it stands in the registry.

use std::sync::Arc;

use switchboard_protocol::{CloseCode, PeerId};
use switchboard_session::Closing;

use crate::dialect::Dialect;
use crate::gateway::Gateway;
use crate::mailbox::Mailbox;
use crate::operations::RETRY_AFTER;
use crate::session_task::Connection;
use crate::wire::Wire;

/// Serves a connection to its end. `allowed`: pages of its origin may connect.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    wire: Wire,
    dialect: Box<dyn Dialect>,
    token: Option<String>,
    allowed: bool,
) {
    if !allowed {
        let words = "pages of this origin may not connect here";
        let closing = Closing::because(CloseCode::Forbidden, words);
        return refuse(&gateway, (wire, dialect), closing).await;
    }
    let peer = PeerId::random();
    let mailbox = Arc::new(Mailbox::new(gateway.rules.outbox_bytes_max));
    let Some(_place) = gateway.registry.enter(peer, &mailbox) else {
        let words = "this node holds as many connections as it may";
        let closing = Closing::because(CloseCode::Unavailable, words).retry_after(RETRY_AFTER * 10);
        return refuse(&gateway, (wire, dialect), closing).await;
    };
    gateway.metrics.connected();
    let connection = Connection {
        gateway: gateway.clone(),
        wire,
        dialect,
        peer,
        mailbox,
        token,
    };
    connection.run().await;
}

/// Ends a connection before it is one. The close code is told after the handshake: a browser sees none before.
async fn refuse(
    gateway: &Gateway,
    (wire, mut dialect): (Wire, Box<dyn Dialect>),
    closing: Closing,
) {
    gateway.metrics.closed(Some(closing.code));
    wire.close(&Mailbox::new(0), &mut *dialect, &closing).await;
}
