//! A connection that has not said who it is.

use std::time::Instant;

use switchboard_protocol::client_message::Hello;
use switchboard_protocol::limits::BAD_MESSAGES_MAX;
use switchboard_protocol::server_message::Error;
use switchboard_protocol::{ClientMessage, CloseCode, DecodeError, ErrorCode};

use crate::operation::Refused;
use crate::{Closing, Rules};

/// The first phase: everything but `hello` is refused.
#[derive(Debug)]
pub struct AwaitingHello {
    deadline: Instant,
    bad_messages: u32,
}

/// What follows from a message before the session is live.
#[derive(Debug, Clone, PartialEq)]
pub enum Greeting<'a> {
    /// Authenticate it, attach it, and go on as [`Live`](crate::Live).
    Hello(Hello<'a>),
    /// Answer so and wait on.
    Answer(Error),
    /// It is over.
    Close(Closing),
}

impl AwaitingHello {
    /// A connection that came at `now`.
    pub fn new(rules: &Rules, now: Instant) -> Self {
        Self {
            deadline: now + rules.hello_timeout,
            bad_messages: 0,
        }
    }

    /// Past this moment, [`overdue`](Self::overdue) holds.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How a connection ends that did not say hello in time.
    pub fn overdue(&self) -> Closing {
        Closing::because(CloseCode::Timeout, "no hello in time: send hello first")
    }

    /// What follows from a frame.
    pub fn on<'a>(&mut self, frame: Result<ClientMessage<'a>, DecodeError>) -> Greeting<'a> {
        let error = match frame {
            Ok(ClientMessage::Hello(hello)) => return Greeting::Hello(hello),
            Ok(ClientMessage::Bye(_)) => return Greeting::Close(Closing::new(CloseCode::Bye)),
            Ok(other) => {
                Refused::new(ErrorCode::BadMessage, "say hello first").to_error(other.id())
            }
            Err(error) => Error {
                re: error.re,
                code: error.code,
                message: error.to_string(),
                retry_after_ms: None,
            },
        };
        self.bad_messages += 1;
        if self.bad_messages >= BAD_MESSAGES_MAX {
            return Greeting::Close(Closing::because(CloseCode::Protocol, error.message));
        }
        Greeting::Answer(error)
    }
}

#[cfg(test)]
mod tests {
    use switchboard_protocol::client_message::Ping;

    use super::*;
    use crate::live::tests::rules;

    #[test]
    fn whoever_has_not_said_hello_is_told_so_and_after_some_tries_closed() {
        let mut session = AwaitingHello::new(&rules(), Instant::now());
        for _ in 1..BAD_MESSAGES_MAX {
            let answer = session.on(Ok(ClientMessage::Ping(Ping { id: Some(4) })));
            assert!(
                matches!(answer, Greeting::Answer(Error { re: Some(4), .. })),
                "{answer:?}"
            );
        }
        let answer = session.on(Ok(ClientMessage::Ping(Ping { id: None })));
        assert!(
            matches!(
                answer,
                Greeting::Close(Closing {
                    code: CloseCode::Protocol,
                    ..
                })
            ),
            "{answer:?}"
        );
    }

    #[test]
    fn hello_is_all_it_wants() {
        let mut session = AwaitingHello::new(&rules(), Instant::now());
        assert!(matches!(
            session.on(Ok(ClientMessage::Hello(Hello::default()))),
            Greeting::Hello(_)
        ));
    }
}
