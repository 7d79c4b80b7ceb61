//! A native client: it resumes its session when this project's own clients would.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use switchboard_client::reconnect::{Cause, Input, Next, Reconnect, full_jitter};
use switchboard_client::{ConnectError, Connection, Options};
use switchboard_protocol::client_message::Resume;
use switchboard_protocol::server_message::Welcome;
use tokio::time::sleep_until;

use super::Stage;

pub(super) struct Client {
    stage: Arc<Stage>,
    connection: Connection,
    resume: Resume<'static>,
}

impl Client {
    /// At the first node.
    pub(super) async fn open(stage: Arc<Stage>) -> Result<Self> {
        let options = Options::new(format!("ws://{}", stage.nodes[0]));
        let (connection, welcome) = Connection::open(&options).await?;
        Ok(Self {
            stage,
            connection,
            resume: ticket(&welcome),
        })
    }

    /// Stays until the connection is lost, and then resumes at the second node.
    pub(super) async fn run(mut self) {
        let mut reconnect = Reconnect::new(Box::new(full_jitter));
        reconnect.on(Input::Opened, Instant::now());
        loop {
            let ended = loop {
                if let Err(ended) = self.connection.next().await {
                    break ended;
                }
            };
            let mut next = reconnect.on(Input::Ended(Cause::from(&ended)), Instant::now());
            loop {
                next = match next {
                    Next::Wait { until } => {
                        sleep_until(until.into()).await;
                        reconnect.on(Input::Woken, Instant::now())
                    }
                    Next::Open => self.try_again(&mut reconnect).await,
                    Next::Stay => break,
                    Next::GetToken | Next::GiveUp => {
                        eprintln!("a client was told to stay away: {ended}");
                        return;
                    }
                };
            }
        }
    }

    async fn try_again(&mut self, reconnect: &mut Reconnect) -> Next {
        self.stage.tries();
        let options = Options {
            resume: Some(self.resume.clone()),
            ..Options::new(format!("ws://{}", self.stage.nodes[1]))
        };
        let input = match Connection::open(&options).await {
            Ok((connection, welcome)) => {
                self.connection = connection;
                self.resume = ticket(&welcome);
                self.stage.is_back(welcome.resumed);
                Input::Opened
            }
            Err(error) => {
                self.stage.failed(&told(&error));
                Input::Ended(Cause::from(&error))
            }
        };
        reconnect.on(input, Instant::now())
    }
}

/// Why it was turned away. The pauses that it is told differ.
fn told(error: &ConnectError) -> String {
    match error {
        ConnectError::Closed(closed) => {
            let words = closed
                .reason
                .split("\"reason\":")
                .last()
                .unwrap_or_default();
            let words = words.split("\",\"").next().unwrap_or_default();
            format!(
                "{} {}",
                closed.code,
                words.trim_matches(|c| "\"{}".contains(c))
            )
        }
        other => other.to_string(),
    }
}

fn ticket(welcome: &Welcome) -> Resume<'static> {
    Resume {
        peer: welcome.peer,
        secret: welcome.resume.secret.clone().into(),
        seen: Default::default(),
        handled: None,
    }
}
