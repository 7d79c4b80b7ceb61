//! Rust client of a Switchboard cluster.
//!
//! Four layers, each of use alone: [`Connection`] is one WebSocket, fast and small, for load generators and tests;
//! [`reconnect`] decides when to open another; [`session`] decides everything else of a session that outlives its
//! connections, without socket, task or clock; [`Client`] drives one, for applications. A call survives a lost
//! connection and a drained node without the application doing anything: it only hears of it.
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
pub mod session;
mod span;

pub use acknowledger::Acknowledger;
pub use client::{Answer, Client, Events, TokenProvider};
pub use connection::{Closed, ConnectError, Connection, Disconnected, FeedError, Options};
pub use session::{ConnectionState, Event, Outcome, Outcomes, RequestError};

#[cfg(test)]
mod test_gateway;
