//! How the node is: for load balancers, for Prometheus and for the tutorials' dashboards.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::auth::bearer;
use crate::gateway::Gateway;
use crate::headers::listed;
use crate::metrics::{DrainNow, Now};

/// Rooms listed in the JSON form of `/metrics`.
const ROOM_DETAILS_MAX: usize = 100;

/// Both spellings of the documents.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    status: &'static str,
    node: String,
    /// Whether sessions are being moved to other nodes.
    draining: bool,
    connections: usize,
    active_connections: usize,
    rooms: usize,
    active_rooms: usize,
    /// Seconds.
    uptime: f64,
    /// RFC 3339.
    timestamp: String,
}

pub(crate) async fn health(State(gateway): State<Arc<Gateway>>) -> Json<Health> {
    let (connections, rooms) = (gateway.registry.len(), gateway.node.rooms());
    Json(Health {
        status: "ok",
        node: gateway.node.id().to_string(),
        draining: gateway.drains.progress().draining,
        connections,
        active_connections: connections,
        rooms,
        active_rooms: rooms,
        uptime: gateway.started.elapsed().as_secs_f64(),
        timestamp: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
    })
}

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(State(gateway): State<Arc<Gateway>>) -> Response {
    let report = gateway.readiness.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

/// Prometheus text; JSON for whoever asks for it.
pub(crate) async fn metrics(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let wants_json =
        listed(&headers, &header::ACCEPT).any(|kind| kind.starts_with("application/json"));
    if wants_json {
        return Json(metrics_json(&gateway, &headers)).into_response();
    }
    match gateway.metrics.text(&now(&gateway)) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn now(gateway: &Gateway) -> Now {
    let rooms = gateway.node.room_counts();
    Now {
        connections: gateway.registry.len(),
        sessions_away: gateway.node.away_count(),
        away_bytes: gateway.node.away_bytes(),
        revocations: gateway.node.revocation_count(),
        rooms: rooms.len(),
        members: rooms.iter().map(|room| room.local_members).sum(),
        outbox_bytes: gateway.registry.outbox_bytes(),
        in_flight_bytes: gateway.node.in_flight_bytes(),
        backend_up: gateway.readiness.backend_is_up(),
        ready: gateway.readiness.report().ready,
        drain: drain_now(gateway),
    }
}

fn drain_now(gateway: &Gateway) -> DrainNow {
    let progress = gateway.drains.progress();
    DrainNow {
        share: match progress.share {
            _ if !progress.draining => 0.0,
            Some(share) => share.into(),
            None => 1.0,
        },
        remaining: progress.remaining,
        overdue: gateway.drains.overdue(),
        tally: gateway.registry.tally(),
    }
}

fn metrics_json(gateway: &Gateway, headers: &HeaderMap) -> Value {
    let mut details = Vec::new();
    if is_admin(gateway, headers) {
        let rooms = gateway
            .node
            .room_counts()
            .into_iter()
            .take(ROOM_DETAILS_MAX);
        details
            .extend(rooms.map(|room| json!({ "name": room.room, "participants": room.members })));
    }
    json!({
        "connections": gateway.registry.len(),
        "rooms": gateway.node.rooms(),
        "roomDetails": details,
        "memory": { "rss": resident_bytes() },
        "uptime": gateway.started.elapsed().as_secs_f64(),
    })
}

/// Room ids are for the admin alone: whoever knows one, can try to join it.
fn is_admin(gateway: &Gateway, headers: &HeaderMap) -> bool {
    let admin = gateway.config.admin.token.as_ref().zip(bearer(headers));
    admin.is_some_and(|(token, given)| token.matches(given))
}

/// Resident memory of this process; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let families = prometheus::gather();
    let resident = families
        .iter()
        .find(|family| family.name() == "process_resident_memory_bytes");
    resident
        .and_then(|family| family.get_metric().first())
        .map_or(0, |metric| metric.get_gauge().get_value() as u64)
}
