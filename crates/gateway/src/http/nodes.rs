//! The server API's routes about this node: how it is, and moving its sessions to others.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::admin::{Admin, AdminBody, Refusal};
use crate::drain::{self, Order, Progress, Request, Share};
use crate::gateway::Gateway;

/// `GET /v1/nodes/{id}`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NodeReport {
    pub(crate) node: String,
    pub(crate) ready: bool,
    /// Connections, greeted or not.
    pub(crate) sessions: usize,
    #[serde(flatten)]
    pub(crate) drain: Progress,
}

/// The answer to `POST /v1/nodes/{id}/drain`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) node: String,
    /// The number of sessions that will move.
    pub(crate) sessions: usize,
    /// `None` if all sessions move and the node stops.
    pub(crate) share: Option<Share>,
}

pub(crate) async fn report(
    State(gateway): State<Arc<Gateway>>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<NodeReport>, Refusal> {
    check_id(&gateway, &id)?;
    Ok(Json(NodeReport {
        node: id,
        ready: gateway.readiness.report().ready,
        sessions: gateway.registry.len(),
        drain: gateway.drains.progress(),
    }))
}

/// Without a share it does what SIGTERM does.
pub(crate) async fn drain(
    State(gateway): State<Arc<Gateway>>,
    _: Admin,
    Path(id): Path<String>,
    AdminBody(body): AdminBody,
) -> Result<(StatusCode, Json<Begun>), Refusal> {
    check_id(&gateway, &id)?;
    let request: Request = match &body[..] {
        [] => Request::default(),
        body => serde_json::from_slice(body).map_err(bad_request)?,
    };
    let order = Order::asked(&gateway.config.drain, &request).map_err(bad_request)?;
    let begun = match request.share {
        Some(share) => drain::rebalance::rebalance(&gateway, share, order),
        None => gateway.drains.stop(order).map(|()| gateway.registry.len()),
    };
    let sessions = begun.map_err(|error| Refusal::new(StatusCode::CONFLICT, error.to_string()))?;
    let begun = Begun {
        node: id,
        sessions,
        share: request.share,
    };
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// A node answers only for itself: behind a load balancer a request may reach another node.
fn check_id(gateway: &Gateway, id: &str) -> Result<(), Refusal> {
    let own = gateway.node.id().to_string();
    if own == id {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::NOT_FOUND,
        format!("this node is {own}; ask the other one at its own ops address"),
    ))
}

fn bad_request(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, error.to_string())
}
