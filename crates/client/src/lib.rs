//! Rust client of a Switchboard cluster.
//!
//! Three layers, each of use alone: [`Connection`] is one WebSocket, fast and small, for load generators and tests;
//! [`reconnect`] decides when to open another; [`Client`] is a session that comes back by itself, for applications.
//!
//! ```no_run
//! # async fn call(offer: switchboard_protocol::Payload) -> Result<(), Box<dyn std::error::Error>> {
//! use switchboard_client::{Client, Event, Options};
//!
//! let (client, mut events) = Client::connect(Options::new("ws://127.0.0.1:8080")).await?;
//! let room = "kitchen".parse()?;
//! client.join(&room, None, None).await?;
//! while let Some(event) = events.next().await {
//!     if let Event::Ready(ready) = event && ready.offerer == client.peer() {
//!         let outcomes = client.signal(&room, ready.peers[1], "offer", offer).await?;
//!         assert!(outcomes.all_delivered());
//!         break;
//!     }
//! }
//! client.bye().await;
//! # Ok(())
//! # }
//! ```

pub mod acknowledger;
pub mod client;
pub mod connection;
pub mod reconnect;

pub use acknowledger::Acknowledger;
pub use client::{
    Answer, Client, ConnectionState, Event, Events, Outcome, Outcomes, RequestError, TokenProvider,
};
pub use connection::{Closed, ConnectError, Connection, Disconnected, FeedError, Options};

#[cfg(test)]
mod test_gateway;
