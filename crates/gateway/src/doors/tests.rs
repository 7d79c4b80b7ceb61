use super::*;
use crate::metrics::Metrics;

fn doors(most: usize) -> Arc<Doors> {
    Doors::new(most, Metrics::new().shed_counters())
}

fn enter(doors: &Arc<Doors>, last: u8, visits: usize) -> Vec<Arc<Visit>> {
    let peer = IpAddr::from([192, 0, 2, last]);
    (0..visits).map(|_| doors.enter(peer)).collect()
}

fn cut(visits: &[Arc<Visit>]) -> Vec<bool> {
    visits.iter().map(|visit| visit.is_cut()).collect()
}

fn ask(visits: &[Arc<Visit>], is_whole: bool) {
    for visit in visits {
        visit.asked(visit.source(), is_whole);
    }
}

#[test]
fn the_oldest_of_the_largest_source_is_cut_off_for_one_more() {
    let doors = doors(20);
    let (one, many) = (enter(&doors, 1, 1), enter(&doors, 2, 19));
    let last = enter(&doors, 3, 1);
    assert!(many[0].is_cut() && !many[1].is_cut());
    assert!(!one[0].is_cut() && !last[0].is_cut());
    many[0].leave();
    enter(&doors, 3, 1);
    assert!(many[1].is_cut() && !many[2].is_cut());
}

#[test]
fn who_waits_for_an_answer_goes_after_those_who_finish_nothing() {
    let doors = doors(40);
    let (waiting, slow) = (enter(&doors, 1, 20), enter(&doors, 1, 20));
    ask(&waiting, true);
    ask(&slow, false);
    let more = enter(&doors, 1, 5);
    assert_eq!(cut(&slow)[..6], [true, true, true, true, true, false]);
    assert!(!cut(&waiting).contains(&true) && !cut(&more).contains(&true));
}

#[test]
fn while_few_are_unfinished_those_who_wait_for_an_answer_go_instead() {
    let doors = doors(30);
    let (waiting, slow) = (enter(&doors, 1, 25), enter(&doors, 1, 5));
    ask(&waiting, true);
    let more = enter(&doors, 1, 5);
    assert_eq!(cut(&waiting)[..6], [true, true, true, true, true, false]);
    assert!(!cut(&slow).contains(&true) && !cut(&more).contains(&true));
}

#[test]
fn a_session_is_not_cut_off() {
    let doors = doors(30);
    let sessions = enter(&doors, 1, 30);
    ask(&sessions, true);
    for session in &sessions {
        session.upgraded();
        session.greeted();
    }
    let others = enter(&doors, 1, 5);
    assert!(!cut(&sessions).contains(&true));
    assert_eq!(cut(&others), [true, true, true, true, true]);
}

#[test]
fn a_connection_that_joins_a_session_is_its_own_once_it_is_upgraded() {
    let doors = doors(1);
    let visit = enter(&doors, 1, 1).remove(0);
    visit.asked(visit.source(), true);
    visit.greeted();
    assert_eq!(doors.inside.lock().waiting.len(), 1);
    visit.upgraded();
    let inside = doors.inside.lock();
    assert_eq!(
        (inside.waiting.len(), inside.unfinished.len(), inside.files),
        (0, 0, 1)
    );
}

#[test]
fn over_http_each_request_stands_for_itself() {
    let doors = doors(1);
    let visit = enter(&doors, 1, 1).remove(0);
    visit.greeted();
    visit.answered();
    visit.asked(visit.source(), true);
    visit.upgraded();
    assert_eq!(doors.inside.lock().unfinished.len(), 1);
}

#[test]
fn who_was_cut_off_does_not_come_back() {
    let doors = doors(1);
    let visits = enter(&doors, 1, 2);
    assert!(visits[0].is_cut());
    visits[0].asked_all();
    visits[0].leave();
    visits[1].leave();
    let inside = doors.inside.lock();
    assert_eq!(
        (inside.waiting.len(), inside.unfinished.len(), inside.files),
        (0, 0, 0)
    );
}

#[test]
fn a_flood_from_one_source_leaves_the_others_in() {
    let doors = doors(100);
    let honest = enter(&doors, 1, 30);
    for _ in 0..1000 {
        for visit in enter(&doors, 2, 1) {
            ask(&[visit], false);
        }
    }
    assert!(!cut(&honest).contains(&true));
}

#[test]
fn whoever_has_left_does_not_sit_down_again() {
    let doors = doors(1);
    let visit = enter(&doors, 1, 1).remove(0);
    visit.leave();
    visit.asked_all();
    visit.answered();
    let inside = doors.inside.lock();
    assert_eq!(
        (inside.waiting.len(), inside.unfinished.len(), inside.files),
        (0, 0, 0)
    );
}

#[test]
fn a_connection_counts_for_the_client_that_its_proxy_names() {
    let doors = doors(20);
    let proxied = enter(&doors, 1, 19);
    for (client, visit) in proxied.iter().enumerate() {
        let client = u8::try_from(client).expect("few") % 2;
        visit.came_for(IpAddr::from([203, 0, 113, client]));
    }
    // Ten for the first client, nine for the other, and one of the proxy itself.
    assert_eq!(proxied[0].peer(), IpAddr::from([203, 0, 113, 0]));
    let own = enter(&doors, 1, 1);
    let more = enter(&doors, 3, 2);
    assert!(proxied[0].is_cut() && proxied[1].is_cut());
    assert!(!own[0].is_cut() && !more[0].is_cut());
}
