//! What is answered at once.

use switchboard_protocol::client_message::Ping;
use switchboard_protocol::server_message::Pong;

use super::*;

#[test]
fn a_ping_is_answered_at_once_even_while_a_join_waits() {
    let mut rig = Rig::new(Grants::default());
    rig.say(join(1, "r"));
    let outputs = rig.say(ClientMessage::Ping(Ping { id: Some(2) }));
    assert_eq!(outputs, [Output::Send(Pong { re: Some(2) }.into())]);
}
