use std::sync::atomic::AtomicUsize;
use switchboard_traces::Traces;

use async_trait::async_trait;
use tokio::time::timeout;

use super::*;
use crate::backend::bus::Inbox;
use crate::link::keyring::ClusterKey;

/// Counts what it does not publish.
#[derive(Default)]
struct Gone(AtomicUsize);

#[async_trait]
impl Bus for Gone {
    async fn publish(&self, _: &NodeId, _: Bytes) -> Result<u64, BusError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(BusError::Unreachable("it is gone".into()))
    }

    async fn subscribe(&self, _: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        Err(BusError::Unreachable("it is gone".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_bus_is_gone_a_due_confirmation_waits_without_haste() {
    let (bus, keyring) = (Arc::new(Gone::default()), Arc::new(Keyring::default()));
    keyring.set(ClusterKey::random());
    let shared = Shared {
        own: NodeId::start("own"),
        keyring,
        linger_max: Duration::ZERO,
        bus: bus.clone(),
        observe: Arc::new(()),
        traces: Traces::off(),
    };
    let link = Link::new(NodeId::start("other"), 1, Arc::new(shared));
    let tell = |link: &Link| {
        let revisions = Envelope::Revisions(crate::link::envelope::Revisions {
            rooms: Vec::new(),
            answer: false,
        });
        link.enqueue(&revisions, Urgency::Now).expect("room");
    };
    tell(&link);
    let heard = async {
        for number in 1.. {
            tokio::time::sleep(Duration::from_millis(100)).await;
            tell(&link);
            link.heard(&Header {
                from: link.to.clone(),
                generation: 1,
                number,
                seen_generation: 0,
                seen: 0,
            });
        }
    };
    let running = async { tokio::join!(link.run(CancellationToken::new()), heard) };
    let _ = timeout(Duration::from_secs(20), running).await;
    let tries = bus.0.load(Ordering::Relaxed);
    assert!((10..100).contains(&tries), "{tries} tries in 20 s");
}
