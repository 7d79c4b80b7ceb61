//! What a session wants done, done.

use super::*;
use crate::connection::FeedError;
use crate::session::Say;

impl Task {
    pub(super) fn perform(&mut self, out: Vec<Output>) {
        let mut out = VecDeque::from(out);
        while let Some(output) = out.pop_front() {
            if let Some((id, error)) = self.perform_one(output) {
                let mut more = Vec::new();
                let unsendable = Input::Unsendable { id, error };
                self.session.on(unsendable, now(), &mut more);
                out.extend(more);
            }
        }
    }

    /// A message that could not be sent, by its id.
    fn perform_one(&mut self, output: Output) -> Option<(u64, FeedError)> {
        match output {
            Output::Open { connection, resume } => {
                self.tokens.tried();
                let options = Options {
                    resume,
                    ..self.options.clone()
                };
                let opened = Box::pin(async move { Connection::open(&options).await });
                self.opening = Some(Opening { connection, opened });
            }
            Output::Close { connection } => self.close(connection),
            Output::Say {
                connection,
                message,
            } => return self.say(connection, &message),
            Output::Tell(event) => {
                if let Some(me) = self.session.peer() {
                    self.mailbox.push(event, me);
                }
            }
            Output::Answer { ask, reply } => self.waiters.answer(ask, reply),
            Output::GetToken => {
                if let Some(token) = self.tokens.get() {
                    self.new_token(token);
                }
            }
            Output::Over => self.over = true,
        }
        None
    }

    fn say(&mut self, connection: ConnectionId, message: &Say) -> Option<(u64, FeedError)> {
        let fed = self.connection(connection)?.feed(&message.as_message());
        // Those without an id are short, and can be written in every codec.
        message.id().zip(fed.err())
    }

    fn close(&mut self, connection: ConnectionId) {
        self.opening
            .take_if(|opening| opening.connection == connection);
        if let Some(socket) = self.connection(connection) {
            socket.try_flush();
        }
        self.connections.retain(|(id, _)| *id != connection);
    }

    pub(super) fn connection(&mut self, connection: ConnectionId) -> Option<&mut Connection> {
        let mut connections = self.connections.iter_mut();
        let (_, found) = connections.find(|(id, _)| *id == connection)?;
        Some(found)
    }
}

/// The next message; only writes while the application is behind. Cancel safe.
pub(super) async fn read(
    connections: &mut [(ConnectionId, Connection)],
    reading: bool,
) -> (ConnectionId, Result<ServerMessage, Disconnected>) {
    let Some((id, connection)) = connections.first_mut() else {
        return std::future::pending().await;
    };
    if reading {
        return (*id, connection.next().await);
    }
    match connection.flush().await {
        Ok(()) => std::future::pending().await,
        Err(why) => (*id, Err(why)),
    }
}

pub(super) async fn opened(
    opening: &mut Option<Opening>,
) -> Result<(Connection, Welcome), ConnectError> {
    match opening {
        Some(opening) => opening.opened.as_mut().await,
        None => std::future::pending().await,
    }
}

pub(super) async fn sleep_until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// By tokio's clock, which tests can hold.
pub(super) fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
