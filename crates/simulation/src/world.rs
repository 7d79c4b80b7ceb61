//! Everything that there is in a run: Redis, gateways, the network to the clients; and what can be done to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_cluster::node::Settings;
use switchboard_protocol::PeerId;
use switchboard_session::Rules;
use tokio::time::{Duration, sleep};

use crate::fake_redis::FakeRedis;
use crate::gateway::Gateway;
use crate::path::Badness;
use crate::random::Random;
use crate::socket::{self, Cable, End};
use crate::speaks::Speaks;
use crate::trace::{ClientNo, ConnectionNo, Fate, NodeNo, Recorder, Weather, What};

/// One world.
pub(crate) struct World {
    pub(crate) recorder: Recorder,
    pub(crate) redis: FakeRedis,
    pub(crate) random: Random,
    settings: Settings,
    rules: Arc<Rules>,
    gateways: Mutex<Vec<Arc<Gateway>>>,
    cables: Mutex<BTreeMap<ConnectionNo, Laid>>,
}

/// An open connection, as its client has it.
pub(crate) struct Dialled {
    pub(crate) connection: ConnectionNo,
    pub(crate) socket: End,
    /// The peer that its session is, unless it resumes another one.
    pub(crate) peer: PeerId,
}

/// A cable, and between whom.
struct Laid {
    client: ClientNo,
    node: NodeNo,
    cable: Cable,
}

impl World {
    pub(crate) fn new(seed: u64, settings: Settings, rules: Rules, badness: Badness) -> Arc<Self> {
        Arc::new(Self {
            recorder: Recorder::new(),
            redis: FakeRedis::new(Random::of(seed, "redis"), badness),
            random: Random::of(seed, "world"),
            settings,
            rules: Arc::new(rules),
            gateways: Mutex::default(),
            cables: Mutex::default(),
        })
    }

    /// Starts one more node.
    pub(crate) fn start_node(&self) -> Arc<Gateway> {
        let no = self.gateways.lock().len();
        let gateway = Gateway::start(
            no,
            &self.redis,
            self.settings.clone(),
            self.rules.clone(),
            self.random.clone(),
            self.recorder.clone(),
        );
        self.gateways.lock().push(gateway.clone());
        self.befell(no, Fate::Started);
        gateway
    }

    /// The nodes that run, frozen or not.
    pub(crate) fn running(&self) -> Vec<Arc<Gateway>> {
        let gateways = self.gateways.lock();
        gateways
            .iter()
            .filter(|node| node.runs())
            .cloned()
            .collect()
    }

    /// Every node that ever was.
    pub(crate) fn gateways(&self) -> Vec<Arc<Gateway>> {
        self.gateways.lock().clone()
    }

    /// A client's way through the load balancer; `None`: nobody answered.
    pub(crate) async fn dial(
        &self,
        client: ClientNo,
        speaks: Speaks,
        random: &Random,
    ) -> Option<Dialled> {
        let latency = random.millis(1..30);
        sleep(latency).await;
        let running = self.running();
        let ready: Vec<_> = running.iter().filter(|node| node.is_ready()).collect();
        // A load balancer's view is now and then out of date.
        let node = if ready.is_empty() || random.chance(50) {
            running.get(random.below(running.len().max(1)))?.clone()
        } else {
            (*random.pick(&ready)).clone()
        };
        let (end, other, cable) = socket::connect(latency);
        let connection = {
            let mut cables = self.cables.lock();
            let connection = cables.len() as ConnectionNo + 1;
            let laid = Laid {
                client,
                node: node.no,
                cable,
            };
            cables.insert(connection, laid);
            connection
        };
        self.recorder.note(What::Opened {
            client,
            connection,
            node: node.no,
        });
        let peer = node.accept(connection, other, speaks);
        Some(Dialled {
            connection,
            socket: end,
            peer,
        })
    }

    /// Cuts a client's cables at some byte; who notices, and when, is chance.
    pub(crate) fn cut_client(self: &Arc<Self>, client: ClientNo) {
        self.cut_where(
            |laid| laid.client == client,
            |random| {
                let soon = |random: &Random| random.chance(700).then(|| random.millis(0..6_000));
                (soon(random), soon(random))
            },
        );
    }

    /// The process is gone. Its kernel says so, unless the machine went with it.
    pub(crate) fn kill(self: &Arc<Self>, node: &Gateway) {
        node.kill();
        self.befell(node.no, Fate::Killed);
        let machine = self.random.chance(300);
        self.cut_where(
            |laid| laid.node == node.no,
            |random| {
                let told = (!machine).then(|| random.millis(0..50));
                (told, None)
            },
        );
    }

    pub(crate) fn freeze(&self, node: &Gateway) {
        node.path.gate.shut();
        self.befell(node.no, Fate::Frozen);
    }

    pub(crate) fn thaw(&self, node: &Gateway) {
        node.path.gate.reopen();
        self.befell(node.no, Fate::Awake);
    }

    pub(crate) fn cut_off(&self, node: &Gateway) {
        self.redis.cut(node.node.id());
        self.befell(node.no, Fate::CutOff);
    }

    pub(crate) fn mend(&self, node: &Gateway) {
        self.redis.mend(node.node.id());
        self.befell(node.no, Fate::Mended);
    }

    pub(crate) fn deafen(&self, node: &Gateway, deaf: bool) {
        self.redis.deafen(node.node.id(), deaf);
        let fate = if deaf { Fate::Deaf } else { Fate::Hears };
        self.befell(node.no, fate);
    }

    pub(crate) fn drain(
        self: &Arc<Self>,
        node: Arc<Gateway>,
        window: Duration,
        deadline: Duration,
    ) {
        self.befell(node.no, Fate::Draining);
        let world = self.clone();
        tokio::spawn(async move {
            let done = node.drain(window, deadline).await;
            world.befell(node.no, Fate::Stopped(done));
        });
    }

    /// All that is bad ends.
    pub(crate) fn calm(&self) {
        self.redis.set_badness(Badness::default());
        self.redis.hang(false);
        for node in self.running() {
            node.path.gate.reopen();
            node.path.set_deaf(false);
        }
        self.redis.come_back();
        self.recorder.weather(Weather::Quiet);
    }

    fn befell(&self, node: NodeNo, fate: Fate) {
        self.recorder.note(What::Node { node, fate });
    }

    /// How many frames of those that are on their way over a cable that is cut still arrive: few, or nearly all.
    fn arrive(&self) -> usize {
        match self.random.chance(500) {
            true => self.random.below(4),
            false => self.random.below(64),
        }
    }

    /// Cuts cables; `noticed` says after what time the client and the gateway learn of it, if ever.
    fn cut_where(
        self: &Arc<Self>,
        which: impl Fn(&Laid) -> bool,
        noticed: impl Fn(&Random) -> (Option<Duration>, Option<Duration>),
    ) {
        let cables: Vec<_> = {
            let mut cables = self.cables.lock();
            let chosen: Vec<_> = cables
                .iter()
                .filter(|(_, laid)| which(laid))
                .map(|(no, _)| *no)
                .collect();
            chosen
                .into_iter()
                .filter_map(|no| cables.get_mut(&no).map(|laid| (no, laid.cable.clone())))
                .collect()
        };
        for (connection, cable) in cables {
            if !cable.cut(self.arrive(), self.arrive()) {
                continue;
            }
            self.recorder.note(What::Cut { connection });
            let (client, gateway) = noticed(&self.random);
            if let Some(after) = client {
                let cable = cable.clone();
                tokio::spawn(async move {
                    sleep(after).await;
                    cable.tell_client();
                });
            }
            if let Some(after) = gateway {
                tokio::spawn(async move {
                    sleep(after).await;
                    cable.tell_gateway();
                });
            }
        }
    }
}
