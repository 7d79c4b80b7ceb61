//! What the application of the shipped client wants.

use switchboard_client::session::{Ask, Command as Asked, Input, SetState, Signal};
use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::limits::RECEIVER_SHARE;
use switchboard_protocol::{Encoding, Payload};
use tokio::time::{Duration, Instant, sleep};

use super::ShippedClient;
use crate::client::Command;
use crate::client_task::Wish;
use crate::trace::{Leaving, What};

impl ShippedClient {
    /// False: the client is no more.
    pub(super) fn wish(&mut self, wish: Wish) -> bool {
        match wish {
            Wish::Command(Command::Enter(room)) => self.application.want(room, true),
            Wish::Command(Command::Leave(room)) => self.application.want(room, false),
            Wish::Command(Command::Signal { room, to, bytes }) => {
                let own = self.session.peer();
                let to = self.application.receiver(&room, own, to);
                if let (Some(to), true) = (to, self.is_ready() && !self.is_slow()) {
                    let payload = Payload {
                        encoding: Encoding::Json,
                        bytes: bytes.to_string().into(),
                    };
                    self.ask(Asked::Signal(Signal {
                        room,
                        to,
                        kind: "candidate".into(),
                        payload,
                        traceparent: None,
                    }));
                }
            }
            Wish::Command(Command::State(room, number)) => {
                let patch = StatePatch::from_json(&format!("{{\"n\":{number}}}"));
                if let (Ok(patch), true) = (patch, self.application.is_in(&room)) {
                    self.ask(Asked::SetState(SetState { room, patch }));
                }
            }
            // When it opens connections is its own affair, and it survives no reload.
            Wish::Command(Command::Double) | Wish::Reload { .. } => {}
            Wish::Rest(pause) => self.rest(pause),
            Wish::Bye => {
                self.go(Leaving::Bye);
                self.is_leaving = true;
                self.on(Input::Bye { hold: None });
            }
            Wish::Vanish => {
                self.go(Leaving::Vanished);
                return false;
            }
        }
        true
    }

    fn rest(&self, pause: Duration) {
        let client = self.no;
        self.world.recorder.note(What::Rests { client, pause });
        for line in self.lines.values() {
            line.socket.pause(true);
            let socket = line.socket.clone();
            tokio::spawn(async move {
                sleep(pause).await;
                socket.pause(false);
            });
        }
    }

    fn is_ready(&self) -> bool {
        self.session.connection().is_some() && self.session.wants_command()
    }

    /// Whether as much is unanswered as one receiver may have to answer: whom a broadcast goes to, the session does not know
    /// when it says it.
    fn is_slow(&self) -> bool {
        let welcome = self.session.welcome();
        let most = welcome.map_or(0, |welcome| welcome.limits.in_flight / RECEIVER_SHARE);
        self.application.unanswered().len() >= most as usize
    }

    /// Asks for the rooms that are wanted and not so.
    pub(super) fn reconcile(&mut self) {
        if self.is_ready() {
            while let Some(command) = self.application.next(Instant::now()) {
                self.ask(command);
            }
        }
    }

    fn ask(&mut self, command: Asked) {
        let ask = self.application.asked(&command);
        self.on(Input::Command {
            ask: Ask(ask),
            command,
        });
    }
}
