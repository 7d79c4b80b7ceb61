//! Every name that a span or an attribute has. Those of messaging follow OpenTelemetry's semantic conventions 1.45, which call
//! them «development»: they may change, and then change here.

pub(crate) const SEND_SIGNAL: &str = "send signal";
pub(crate) const PROCESS_SIGNAL: &str = "process signal";
pub(crate) const WRITE_SIGNAL: &str = "write signal";
pub(crate) const SETTLE_SIGNAL: &str = "settle signal";
pub(crate) const PUBLISH_FRAME: &str = "publish frame";

pub(crate) const MESSAGING_SYSTEM: &str = "messaging.system";
pub(crate) const SWITCHBOARD: &str = "switchboard";
pub(crate) const OPERATION_NAME: &str = "messaging.operation.name";
pub(crate) const OPERATION_TYPE: &str = "messaging.operation.type";
pub(crate) const DESTINATION_TEMPLATE: &str = "messaging.destination.template";
pub(crate) const ROOM_TEMPLATE: &str = "room/{room}";
pub(crate) const MESSAGE_ID: &str = "messaging.message.id";
pub(crate) const BODY_BYTES: &str = "messaging.message.body.size";
pub(crate) const BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";

/// The same names as the fields of log lines.
pub(crate) const SESSION_ID: &str = "session.id";
pub(crate) const ROOM_ID: &str = "room.id";
/// Of the other node: a span's own node is in its resource, as `service.instance.id`.
pub(crate) const PEER_NODE_ID: &str = "peer.node.id";
pub(crate) const SIGNAL_KIND: &str = "switchboard.signal.kind";
pub(crate) const SIGNAL_RECEIVER: &str = "switchboard.signal.receiver";
/// `delivered`, or the reason of `undelivered`.
pub(crate) const OUTCOME: &str = "switchboard.outcome";
/// The span was built when the signal was answered, because that took long.
pub(crate) const IS_SLOW: &str = "switchboard.slow";
