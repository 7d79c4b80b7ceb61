//! The settings of the nodes and sessions of a run, and what the invariants must know of them.

use switchboard_cluster::node::Settings;
use switchboard_cluster::{Format, InFlightMax, NodeInfo};
use switchboard_protocol::limits::Limits;
use switchboard_session::Rules;
use switchboard_traces::Traces;
use tokio::time::Duration;

use crate::path::Badness;
use crate::trace;

const LEASE: Duration = Duration::from_secs(4);
const WINDOW: Duration = Duration::from_secs(20);
const DEADLINE: Duration = Duration::from_secs(35);
const HEARTBEAT: Duration = Duration::from_secs(4);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);
const IN_FLIGHT: u32 = 256;

pub(super) fn node_settings() -> Settings {
    Settings {
        info: NodeInfo {
            ops_address: "127.0.0.1:1".into(),
            version: "simulation".into(),
            format: Format::OWN,
            started_at: 0,
        },
        cluster_key: None,
        lease: LEASE,
        delivery_deadline: DEADLINE,
        heartbeat_timeout: HEARTBEAT_TIMEOUT,
        in_flight: InFlightMax {
            signals: IN_FLIGHT as usize,
            bytes: 1 << 20,
            node_bytes: 1 << 26,
        },
        resume_window: WINDOW,
        away_max: 1000,
        away_bytes: 1 << 24,
        sessions_per_user: 5,
        revocations_kept: Duration::from_secs(3600),
        linger_max: Duration::from_millis(1),
        local_shortcut: false,
        traces: Traces::off(),
    }
}

pub(super) fn session_rules() -> Rules {
    Rules {
        hello_timeout: Duration::from_secs(10),
        heartbeat: HEARTBEAT,
        heartbeat_timeout: HEARTBEAT_TIMEOUT,
        resume_window: WINDOW,
        limits: Limits {
            in_flight: IN_FLIGHT,
            in_flight_bytes: 1 << 20,
            max_message_bytes: 1 << 18,
            signals_per_second: 1000,
            burst: 4000,
        },
        outbox_bytes_max: 256 * 1024,
        requests_per_second: 1000,
        bytes_per_second: 1024 * 1024,
        fan_out_bytes_per_second: 16 * 1024 * 1024,
        room_capacity: 64,
        room_capacity_max: 64,
        outlives_token: None,
        rooms_max: 8,
    }
}

pub(super) fn trace_rules(badness: Badness) -> trace::Rules {
    trace::Rules {
        window: WINDOW,
        deadline: DEADLINE,
        lease: LEASE,
        in_flight: IN_FLIGHT as usize,
        answers_arrive: badness.lost_commands == 0 && badness.lost_answers == 0,
    }
}
