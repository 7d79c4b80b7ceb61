//! Carries out the faults of a plan.

use std::sync::Arc;

use tokio::time::{Duration, Instant, sleep};

use super::Run;
use crate::gateway::Gateway;
use crate::intruder;
use crate::scenario::Fault;
use crate::trace::Weather;

impl Run {
    pub(super) fn fault(&mut self, fault: Fault) {
        let world = self.world.clone();
        match fault {
            Fault::CutClient(client) => world.cut_client(client),
            Fault::Kill(place, pause) => {
                let Some(node) = self.node(place) else { return };
                world.kill(&node);
                later(pause, move || drop(world.start_node()));
            }
            Fault::Freeze(place, pause) => {
                let Some(node) = self.node(place) else { return };
                world.freeze(&node);
                later(pause, move || world.thaw(&node));
            }
            Fault::Drain(place, window, deadline) => {
                let Some(node) = self.node(place) else { return };
                world.start_node();
                world.drain(node, window, deadline);
            }
            Fault::CutOff(place, pause) => {
                let Some(node) = self.node(place) else { return };
                world.cut_off(&node);
                later(pause, move || world.mend(&node));
            }
            Fault::Deafen(place, pause) => {
                let Some(node) = self.node(place) else { return };
                world.deafen(&node, true);
                later(pause, move || world.deafen(&node, false));
            }
            Fault::Hang(pause) => self.redis_hangs(pause),
            Fault::Restart(pause) => {
                self.redis_goes();
                self.redis_comes_back(pause);
            }
            Fault::Lose(pause) => {
                self.redis_goes();
                world.redis.start_empty();
                world.recorder.weather(Weather::Forgot);
                self.redis_comes_back(pause);
            }
            Fault::Forget => {
                world.redis.forget();
                world.recorder.weather(Weather::Forgot);
            }
            Fault::GoBack(ago) => self.redis_goes_back(ago),
            Fault::Intrude(client) => {
                if let Some(handle) = &self.clients[client] {
                    let (tickets, random) = (handle.tickets(), self.world.random.clone());
                    tokio::spawn(intruder::intrude(world, client, tickets, random));
                }
            }
        }
    }

    fn redis_hangs(&self, pause: Duration) {
        let world = self.world.clone();
        world.redis.hang(true);
        world.recorder.weather(Weather::Hangs);
        later(pause, move || {
            world.redis.hang(false);
            world.recorder.weather(Weather::GoesOn);
        });
    }

    fn redis_goes(&self) {
        self.world.recorder.weather(Weather::Down);
        self.world.redis.go();
    }

    fn redis_comes_back(&self, pause: Duration) {
        let world = self.world.clone();
        later(pause, move || {
            world.recorder.weather(Weather::Back);
            world.redis.come_back();
        });
    }

    fn redis_goes_back(&self, ago: Duration) {
        let now = Instant::now();
        let then = self
            .snapshots
            .iter()
            .rev()
            .find(|(at, _)| now - *at >= ago)
            .map(|(at, snapshot)| (*at, snapshot.clone()));
        let Some((at, snapshot)) = then else { return };
        self.redis_goes();
        self.world.redis.restore(&snapshot);
        self.world.recorder.weather(Weather::WentBack(now - at));
        self.redis_comes_back(Duration::from_millis(200));
    }

    fn node(&self, place: usize) -> Option<Arc<Gateway>> {
        let running = self.world.running();
        (!running.is_empty()).then(|| running[place % running.len()].clone())
    }
}

pub(super) fn later(pause: Duration, then: impl FnOnce() + Send + 'static) {
    tokio::spawn(async move {
        sleep(pause).await;
        then();
    });
}
