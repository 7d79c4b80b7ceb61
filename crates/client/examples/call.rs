//! Two clients in a room that send one another signals for a while, and say what became of them.
//!
//! ```text
//! cargo run -p switchboard-client --example call -- ws://127.0.0.1:8080 30
//! ```
//!
//! Stop a gateway meanwhile: nothing is lost, and neither sees the other go. Ends with 1 where that is not so.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use switchboard_client::{Client, ConnectionState, Event, Events, Options};
use switchboard_protocol::{Connection, Encoding, Payload, PeerId, RoomId};
use tokio::time::{sleep, timeout};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const PAUSE: Duration = Duration::from_millis(50);

/// What one of the two has seen.
#[derive(Default)]
struct Account {
    sent: u64,
    undelivered: u64,
    received: u64,
    /// The other one was away, or left.
    seen_away: u64,
    /// Its own connection was lost; moving to another gateway is no loss.
    lost: u64,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().unwrap_or("ws://127.0.0.1:8080".into());
    let seconds = arguments.next().map_or(Ok(10), |seconds| seconds.parse())?;
    // A room of its own: others may try the same.
    let room: RoomId = format!("call-{}", PeerId::random()).parse()?;
    let (ada, bob) = (enter(&url, &room).await?, enter(&url, &room).await?);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (ada, bob) = tokio::join!(talk(ada, &room, until), talk(bob, &room, until));
    let ((ada, _stays), (bob, _stays_too)) = (ada?, bob?);
    let mut well = true;
    for (name, account) in [("ada", ada), ("bob", bob)] {
        let Account {
            sent,
            undelivered,
            received,
            seen_away,
            lost,
        } = account;
        println!(
            "{name}: {sent} sent, {undelivered} of them not delivered; {received} received; connection lost {lost} times; \
             the other one seen away {seen_away} times"
        );
        well &= sent > 0 && undelivered == 0 && received > 0 && seen_away == 0;
    }
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn enter(url: &str, room: &RoomId) -> Result<(Client, Events), Failure> {
    let (client, events) = Client::connect(Options::new(url)).await?;
    client.join(room, None, None).await?;
    Ok((client, events))
}

/// Sends until the time is over, then listens for a moment to what is still on its way.
async fn talk(
    (client, mut events): (Client, Events),
    room: &RoomId,
    until: Instant,
) -> Result<(Account, Client), Failure> {
    let mut account = Account::default();
    while Instant::now() < until {
        let payload = Payload {
            encoding: Encoding::Json,
            bytes: account.sent.to_string().into(),
        };
        let answer = client
            .queue_signal(room, None, "candidate", payload)
            .await?;
        tokio::pin!(answer);
        let outcomes = loop {
            tokio::select! {
                outcomes = &mut answer => break outcomes?,
                Some(event) = events.next() => account.note(&event),
            }
        };
        account.sent += 1;
        account.undelivered += u64::from(!outcomes.all_delivered());
        sleep(PAUSE).await;
    }
    while let Ok(Some(event)) = timeout(Duration::from_secs(1), events.next()).await {
        account.note(&event);
    }
    // Whoever is done first stays until the other one is.
    Ok((account, client))
}

impl Account {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Signal(_) => self.received += 1,
            Event::MemberUpdated(updated) => {
                self.seen_away += u64::from(updated.connection == Some(Connection::Away));
            }
            Event::MemberLeft(_) => self.seen_away += 1,
            Event::Connection(ConnectionState::Reconnecting(_)) => self.lost += 1,
            _ => (),
        }
    }
}
