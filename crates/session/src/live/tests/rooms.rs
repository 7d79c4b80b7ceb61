//! Operations one after another, and the rooms that a session is in.

use switchboard_protocol::server_message::Left;

use super::*;

#[test]
fn operations_are_carried_out_one_after_another() {
    let mut rig = Rig::new(Grants::default());
    assert_eq!(rig.say(join(1, "a")).len(), 1);
    assert_eq!(rig.say(leave(2, "a")), []);
    assert_eq!(rig.say(join(3, "a")), []);
    assert!(matches!(
        rig.on(Input::Performed(Ok(())))[..],
        [Output::Perform(Operation::Leave { re: 2, .. })]
    ));
    let outputs = rig.on(Input::Performed(Ok(())));
    assert!(
        matches!(
            outputs[0],
            Output::Send(ServerMessage::Left(Left { re: 2, .. }))
        ),
        "{outputs:?}"
    );
    assert!(
        matches!(outputs[1], Output::Perform(Operation::Join { re: 3, .. })),
        "{outputs:?}"
    );
}

#[test]
fn a_refused_join_leaves_nothing_behind() {
    let mut rig = Rig::new(Grants::default());
    rig.say(join(1, "a"));
    let refused = Refused::new(ErrorCode::RoomFull, "full");
    assert_eq!(
        code(&rig.on(Input::Performed(Err(refused)))),
        ErrorCode::RoomFull
    );
    assert_eq!(code(&rig.say(leave(2, "a"))), ErrorCode::NotAMember);
    assert_eq!(rig.say(join(3, "a")).len(), 1);
}

#[test]
fn a_room_whose_leave_got_no_answer_may_be_left_again_or_joined() {
    let mut rig = Rig::in_room("a");
    rig.say(leave(2, "a"));
    let refused = Refused::for_now(ErrorCode::Unavailable, "later", Duration::from_secs(1));
    assert_eq!(
        code(&rig.on(Input::Performed(Err(refused)))),
        ErrorCode::Unavailable
    );
    assert!(matches!(
        rig.say(leave(3, "a"))[..],
        [Output::Perform(Operation::Leave { re: 3, .. })]
    ));
    let refused = Refused::for_now(ErrorCode::Unavailable, "later", Duration::from_secs(1));
    rig.on(Input::Performed(Err(refused)));
    assert!(matches!(
        rig.say(join(4, "a"))[..],
        [Output::Perform(Operation::Join { re: 4, .. })]
    ));
}

#[test]
fn a_room_that_the_cluster_closed_can_be_joined_again() {
    let mut rig = Rig::in_room("r");
    let room = "r".parse().expect("a room id");
    rig.on(Input::RoomGone(&room));
    assert_eq!(code(&rig.say(signal(2, "r"))), ErrorCode::NotAMember);
    assert_eq!(rig.say(join(3, "r")).len(), 1);
}
