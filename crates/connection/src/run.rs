//! The whole life of a connection.

use std::pin::pin;

use switchboard_cluster::guard::{Panicked, caught};
use switchboard_session::Live;

use crate::connection::Connection;
use crate::departure::End;
use crate::greeting::Greeted;
use crate::host::{InPhase, Phase};
use crate::serving::Serving;

impl Connection {
    /// Serves the connection until it ends. What is here, and in [`serve`](Self::serve), across an await is the memory of
    /// every session.
    pub async fn run(&mut self) {
        self.host.observe.opened();
        let host = self.host.clone();
        let mut greeting = Box::pin(self.await_hello());
        let greeted = host.guarded(greeting.as_mut()).await;
        drop(greeting);
        let end = match greeted {
            Ok(Ok(greeted)) => self.serve(greeted).await,
            Ok(Err(end)) => end,
            Err(Panicked) => self.give_up_greeting(),
        };
        match end {
            End::Gone => {
                host.observe.closed(None);
                self.mailbox.clear();
                self.wire.finish().await;
            }
            End::Close(closing) => self.close(&closing).await,
            // What is half said stays so.
            End::Panicked => {
                host.observe.closed(None);
                self.mailbox.clear();
            }
        }
    }

    /// The session lives until its client goes or this side ends it.
    async fn serve(&mut self, greeted: Box<Greeted>) -> End {
        let host = self.host.clone();
        let _live = InPhase::new(&host, self.dialect.name(), Phase::Live);
        let (local, peer) = (greeted.asker.local.clone(), greeted.asker.local.peer);
        let mut serving = self.begin(greeted);
        let ran = host.guarded(pin!(serving.run())).await;
        let end = ran.unwrap_or_else(|Panicked| End::panicked(&host, &peer));
        // An operation under way is finished first: the directory sees one step after another.
        let performing = caught(|| serving.into_performing()).ok().flatten();
        let departure = end.departure(host.rules.resume_window);
        let node = host.node.clone();
        match performing {
            Some(performing) => {
                let guard = host.clone();
                host.spawn(async move {
                    // The session ends, even if this panics.
                    let _ = guard.guarded(performing).await;
                    node.detach(local, departure);
                });
            }
            None => node.detach(local, departure),
        }
        tracing::debug!(session.id = %peer, ?departure, "a session lost its connection");
        end
    }

    #[expect(
        clippy::boxed_local,
        reason = "freed here: what `serve` unboxed itself would stay as long as the session"
    )]
    fn begin(&mut self, greeted: Box<Greeted>) -> Serving<'_> {
        let Greeted {
            asker,
            authorization,
            ice,
            in_rooms,
        } = *greeted;
        self.arrived = None;
        let (rules, now) = (self.host.rules.clone(), crate::now());
        let live = match in_rooms {
            Some(rooms) => Live::resumed(rules, authorization, rooms.into_iter(), now),
            None => Live::new(rules, authorization, now),
        };
        Serving::new(self, live, asker, ice)
    }

    fn give_up_greeting(&mut self) -> End {
        let Some(local) = self.arrived.take() else {
            return End::Panicked;
        };
        let end = End::panicked(&self.host, &local.peer);
        let departure = end.departure(self.host.rules.resume_window);
        self.host.node.detach(local, departure);
        end
    }
}
