//! More want to get in than may.

use std::collections::HashSet;

use switchboard_protocol::{ErrorCode, ServerMessage};

use crate::support::{Cluster, Peer};

#[tokio::test]
async fn of_twenty_that_race_for_two_places_exactly_two_get_in_and_hear_ready_once() {
    let cluster = Cluster::start(2, &[]);
    let mut racers = Vec::new();
    for n in 0..20 {
        racers.push(Peer::to(&cluster.nodes[n % 2]).await);
    }
    let runs = racers.into_iter().map(|mut racer| {
        tokio::spawn(async move {
            let joined = racer.try_join("pair", Some(2)).await;
            (racer, joined)
        })
    });
    let (mut winners, mut refused) = (Vec::new(), 0);
    for run in runs.collect::<Vec<_>>() {
        let (racer, joined) = run.await.expect("a racer gets an answer");
        match joined {
            Ok(joined) => winners.push((racer, joined)),
            Err(error) => {
                assert_eq!(error.code, ErrorCode::RoomFull, "{error:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((winners.len(), refused), (2, 18));
    assert!(winners.iter().all(|(_, joined)| joined.capacity == 2));

    // The one who was first has heard of the other once this signal is answered, so nothing is under way any more.
    let [(first, _), (second, _)] = &mut winners[..] else {
        panic!("two were counted")
    };
    let peers = [first.id, second.id];
    let mut told = HashSet::new();
    for (racer, _) in &mut winners {
        let ready = racer.hear("Ready", |message| match message {
            ServerMessage::Ready(ready) => Some(ready.clone()),
            _ => None,
        });
        told.insert(ready.await.peers);
    }
    assert_eq!(
        told.len(),
        1,
        "both hear of the same pair and offerer: {told:?}"
    );
    assert!(
        told.iter()
            .all(|pair| pair.iter().all(|peer| peers.contains(peer)))
    );
    let [(first, _), (second, _)] = &mut winners[..] else {
        panic!("two were counted")
    };
    first.exchange(second, "pair").await;
    for (racer, _) in &mut winners {
        let again = racer
            .unasked()
            .await
            .into_iter()
            .filter(|message| matches!(message, ServerMessage::Ready(_)));
        assert_eq!(again.count(), 0, "ready is told once");
    }
}
