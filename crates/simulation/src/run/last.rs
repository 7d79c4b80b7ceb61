//! Reads the state of the cluster and its clients when all has come to rest.

use std::collections::BTreeSet;

use switchboard_protocol::PeerId;

use super::Run;
use crate::client_task::Handle;
use crate::trace::What;
use crate::trace::last::{LastNode, LastRoom, LastState};

impl Run {
    /// Looks at everything, past all faults.
    pub(super) async fn last(&self) -> LastState {
        let truth = self.world.redis.truth();
        let clients: Vec<_> = self
            .clients
            .iter()
            .flatten()
            .filter_map(Handle::last)
            .collect();
        let mut last = LastState {
            clients,
            ..LastState::default()
        };
        for gateway in self.world.gateways() {
            let id = gateway.node.id().clone();
            let enlisted = truth.directory.enlisted(&id).await.unwrap_or_default();
            if gateway.runs() {
                last.nodes.push(LastNode {
                    node: gateway.no,
                    id,
                    serves: gateway.is_ready(),
                    sessions: gateway.sessions(),
                    in_flight_bytes: gateway.node.in_flight_bytes(),
                    enlisted,
                });
            }
        }
        for room in &self.scenario.rooms {
            if let Ok(roster) = truth.directory.roster(room).await {
                let mut found = LastRoom {
                    revision: roster.revision,
                    members: roster.members,
                };
                for member in &mut found.members {
                    // The one clock here that shows the time of day.
                    member.joined_at = 0;
                }
                last.rooms.insert(room.clone(), found);
            }
        }
        for peer in self.every_peer() {
            if let Ok(Some(record)) = truth.directory.peer(&peer).await {
                last.peers.push(record);
            }
        }
        let leases = truth.leases.read().await.unwrap_or_default();
        last.leases = leases.into_iter().map(|lease| lease.node).collect();
        last
    }

    fn every_peer(&self) -> BTreeSet<PeerId> {
        self.world.recorder.look(|events| {
            let peers = events.iter().filter_map(|event| match &event.what {
                What::Welcomed { peer, .. } => Some(*peer),
                _ => None,
            });
            peers.collect()
        })
    }
}
