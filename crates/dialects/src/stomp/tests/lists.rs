//! Lists of members: one for many changes, and weighed where a subscription asks for it.

use super::*;

/// One more.
fn another() -> MemberJoined {
    came(&member(None, 9))
}

#[test]
fn of_many_changes_one_list_is_told_to_each_subscription() {
    let (mut stomp, ..) = in_room();
    let before = say(&mut stomp, another());
    let subscribed = bodies(&before, "/topic/rooms/r/members").len();
    assert!(subscribed > 0, "{before:?}");
    for _ in 4..100 {
        assert!(only_say(&mut stomp, another()).is_empty());
    }
    let told = say(&mut stomp, another());
    assert_eq!(
        bodies(&told, "/topic/rooms/r/members").len(),
        subscribed,
        "{told:?}"
    );
}

#[test]
fn a_list_that_a_subscription_asks_for_is_weighed_and_where_it_is_refused_there_is_no_subscription()
{
    let (mut stomp, ..) = in_room();
    for _ in 3..100 {
        say(&mut stomp, another());
    }
    let subscribe = frame("SUBSCRIBE\nid:late\nreceipt:x\ndestination:/topic/rooms/r/members\n\n^");
    let mut asked = None;
    stomp.hear(Content::Text(&subscribe), &mut |heard| {
        if let Heard::Input(Input::Ask { id, bytes }) = heard {
            asked = Some((id, bytes));
        }
    });
    let (id, bytes) = asked.expect("it is asked for");
    assert!(bytes > 3000, "{bytes}");
    let refused = Error {
        re: Some(id),
        code: ErrorCode::RateLimited,
        message: "slow down".into(),
        retry_after_ms: Some(10),
    };
    let told = only_say(&mut stomp, refused);
    assert!(
        !told.iter().any(|frame| frame.starts_with("RECEIPT")),
        "{told:?}"
    );
    let told = say(&mut stomp, another());
    assert!(
        !told.iter().any(|frame| frame.contains("subscription:late")),
        "{told:?}"
    );
}

#[test]
fn a_subscription_after_the_join_gets_the_members_at_once() {
    let (mut stomp, own) = in_room();
    let heard = hear(
        &mut stomp,
        "SUBSCRIBE\nid:late\ndestination:/topic/rooms/r/members\nreceipt:1\n\n^",
    );
    let listed = json!([{ "sid": own.peer, "displayName": "Ada" }]);
    assert_eq!(bodies(&heard, "/topic/rooms/r/members"), [listed]);
    assert!(heard[0].contains("\nsubscription:late\n"), "{heard:?}");
    assert_eq!(heard[1], "RECEIPT\nreceipt-id:1\n\n^");
}
