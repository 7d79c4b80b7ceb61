//! Which rooms a session may enter.

use switchboard_protocol::server_message::Done;

use super::*;
use crate::grants::{Abilities, Ability};

#[test]
fn rooms_are_counted_and_entered_once() {
    let mut rig = Rig::in_room("a");
    assert_eq!(code(&rig.say(join(2, "a"))), ErrorCode::AlreadyJoined);
    rig.say(join(3, "b"));
    assert_eq!(code(&rig.say(join(4, "c"))), ErrorCode::TooManyRooms);
}

#[test]
fn the_token_decides() {
    let grants = Grants {
        rooms: Some(vec!["study-*".into()]),
        can: [Ability::Join].into_iter().collect::<Abilities>(),
        capacity: Some(3),
        hidden: false,
    };
    let mut rig = Rig::new(grants);
    assert_eq!(code(&rig.say(join(1, "other"))), ErrorCode::Forbidden);
    let greedy = Join {
        id: 2,
        room: "study-1".into(),
        state: None,
        capacity: Some(9),
    };
    assert_eq!(
        code(&rig.say(ClientMessage::Join(greedy))),
        ErrorCode::Forbidden
    );
    let outputs = rig.say(join(3, "study-1"));
    let [
        Output::Perform(Operation::Join {
            capacity,
            may_create,
            ..
        }),
    ] = &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((*capacity, *may_create), (3, false));
    rig.on(Input::Performed(Ok(())));
    assert_eq!(code(&rig.say(signal(4, "study-1"))), ErrorCode::Forbidden);
}

#[test]
fn whoever_claims_a_name_where_it_is_takes_it_there() {
    let mut rig = Rig::in_room("r");
    let enter = |id, claim| {
        Input::Enter(Enter {
            join: Join {
                id,
                room: "r".into(),
                state: None,
                capacity: None,
            },
            name: Some(RoomName {
                text: "Eve".into(),
                claim,
            }),
        })
    };
    let outputs = rig.on(enter(2, Some(crate::Claim::Numbered)));
    assert!(
        matches!(
            &outputs[..],
            [Output::Perform(Operation::Rename { re: 2, .. })]
        ),
        "{outputs:?}"
    );
    let done = Done { re: 2, to: None };
    assert_eq!(
        rig.on(Input::Performed(Ok(()))),
        [Output::Send(done.into())]
    );
    assert_eq!(code(&rig.on(enter(3, None))), ErrorCode::AlreadyJoined);
}
