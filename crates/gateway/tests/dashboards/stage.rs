//! The cluster: Redis, gateways behind haproxy, and Prometheus, which is asked here.

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use switchboard_local::{Balance, Gateway, GatewayPlan, Haproxy, HaproxyPlan, Prometheus, Slot};
use switchboard_testkit::RedisServer;
use tempfile::TempDir;

use crate::STEP;
use crate::questions::{Asks, Question};

const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");
const GATEWAYS: usize = 3;
/// A quick drain, which still lasts several scrapes.
const SETTINGS: [&str; 3] = [
    "drain.grace_ms=2000",
    "drain.window_ms=2000",
    "drain.deadline_ms=20000",
];
const SCRAPE_EVERY: Duration = Duration::from_millis(500);
/// Who waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Stage {
    // In the order in which they are to end.
    prometheus: Prometheus,
    haproxy: Haproxy,
    gateways: Vec<Gateway>,
    redis: RedisServer,
    began: SystemTime,
    _folder: TempDir,
}

impl Stage {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let redis = RedisServer::start();
        let gateway = |number| {
            let plan = GatewayPlan {
                binary: BINARY.into(),
                name: format!("gw-{number}"),
                redis_url: redis.url(),
                log_format: "json",
                settings: SETTINGS.map(str::to_owned).into(),
            };
            Gateway::start(&plan, folder.path()).expect("a gateway starts and gets ready")
        };
        let gateways: Vec<_> = (1..=GATEWAYS).map(gateway).collect();
        let haproxy = balance(&gateways, &folder);
        let targets: Vec<_> = gateways.iter().map(Gateway::ops).collect();
        let prometheus = Prometheus::start_every(SCRAPE_EVERY, &targets, folder.path());
        Self {
            prometheus: prometheus.expect("Prometheus starts"),
            haproxy,
            gateways,
            redis,
            began: SystemTime::now(),
            _folder: folder,
        }
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.haproxy.public())
    }

    /// Redis dies, and is back with nothing.
    pub(crate) fn restart_redis(&mut self) {
        self.redis.kill();
        self.wait_for("max(switchboard_backend_up) == 0");
        self.redis.restart();
    }

    /// Tells the first gateway to stop.
    pub(crate) fn drain_one(&self) {
        self.gateways[0].program().terminate();
    }

    /// Waits until this has an answer.
    pub(crate) fn wait_for(&self, query: &str) {
        let question = Question {
            asked_by: "this test".into(),
            asks: Asks::Query(query.into()),
        };
        self.wait_for_answers(&[question]);
    }

    /// Waits until each of these has an answer.
    pub(crate) fn wait_for_answers(&self, questions: &[Question]) {
        let deadline = Instant::now() + PATIENCE;
        let mut open: Vec<_> = questions.iter().collect();
        loop {
            open.retain(|question| !self.answers(&question.asks));
            if open.is_empty() {
                return;
            }
            if Instant::now() > deadline {
                let (few, all) = (open.len(), questions.len());
                let open: Vec<_> = open.iter().map(ToString::to_string).collect();
                panic!(
                    "{few} of {all} queries have no answer:\n{}",
                    open.join("\n")
                );
            }
            sleep(SCRAPE_EVERY);
        }
    }

    /// What Prometheus' API has to say.
    pub(crate) fn api(&self, path: &str) -> Value {
        let answer = self.prometheus.get(&format!("/api/v1/{path}"));
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error:#}"));
        let mut answer: Value = serde_json::from_str(&answer).expect("Prometheus says JSON");
        answer["data"].take()
    }

    fn answers(&self, asks: &Asks) -> bool {
        match asks {
            Asks::Query(query) => self.has_been(query),
            Asks::Label { name, of } => {
                let values = self.api(&format!("label/{name}/values?match[]={}", encoded(of)));
                !values.as_array().expect("a list").is_empty()
            }
        }
    }

    /// Whether the query has had a number for an answer since the start.
    fn has_been(&self, query: &str) -> bool {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            since.expect("it is later than 1970").as_secs()
        };
        let (from, to) = (seconds(self.began), seconds(SystemTime::now()));
        let query = encoded(query);
        let step = STEP.as_secs();
        let path = format!("query_range?query={query}&start={from}&end={to}&step={step}");
        let data = self.api(&path);
        let series = data["result"].as_array().expect("a list of series");
        series.iter().any(has_number)
    }
}

fn balance(gateways: &[Gateway], folder: &TempDir) -> Haproxy {
    let slot = |gateway: &Gateway| Slot::of(gateway.program().name(), gateway);
    let plan = HaproxyPlan {
        public: None,
        balance: Balance::Leastconn,
        slowstart: Some(Duration::from_millis(1)),
        slots: gateways.iter().map(slot).collect(),
    };
    Haproxy::start(&plan, folder.path()).expect("haproxy starts")
}

/// NaN is what a panel shows as nothing.
fn has_number(series: &Value) -> bool {
    let values = series["values"]
        .as_array()
        .expect("pairs of time and value");
    let mut values = values.iter().filter_map(|pair| pair[1].as_str());
    values.any(|value| value.parse().is_ok_and(f64::is_finite))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
