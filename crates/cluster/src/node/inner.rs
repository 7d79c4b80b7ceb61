//! What a node consists of: one owner for each kind of state.

use std::sync::Arc;

use switchboard_protocol::NodeId;
use tokio::sync::watch;

use crate::backend::Backend;
use crate::backend::leases::LeaseError;
use crate::link::keyring::Keyring;
use crate::link::links::{LinkSettings, Links};
use crate::node::key_agreement::KeyAgreement;
use crate::node::lease_keeper::LeaseKeeper;
use crate::node::settings::Settings;
use crate::node::status::Status;
use crate::observe::Observe;
use crate::repair::Repairs;
use crate::repair::checked_directory::CheckedDirectory;
use crate::repair::doubt::Doubt;
use crate::revocations::Revocations;
use crate::room::rooms::Rooms;
use crate::sessions::Sessions;
use crate::signal::Signals;
use crate::spawning::Tasks;

pub(crate) struct Inner {
    pub(crate) id: NodeId,
    pub(crate) settings: Settings,
    pub(crate) backend: Backend,
    pub(crate) observe: Arc<dyn Observe>,
    pub(crate) tasks: Tasks,
    pub(crate) lease: LeaseKeeper,
    pub(crate) links: Links,
    pub(crate) signals: Signals,
    pub(crate) rooms: Rooms,
    pub(crate) sessions: Sessions,
    pub(crate) repairs: Repairs,
    pub(crate) revocations: Revocations,
}

impl Inner {
    /// Nothing runs yet.
    pub(crate) fn new(
        id: NodeId,
        settings: Settings,
        mut backend: Backend,
        observe: Arc<dyn Observe>,
    ) -> Arc<Self> {
        backend.unreadable.observed_by(&observe);
        let doubt = Arc::new(Doubt::new(backend.doubts.clone(), settings.lease));
        backend.directory = Arc::new(CheckedDirectory::new(
            backend.directory,
            doubt.clone(),
            observe.clone(),
            settings.traces.clone(),
        ));
        let tasks = Tasks::new(observe.clone(), backend.alarm.clone());
        let keyring = Arc::<Keyring>::default();
        let links = Links::new(
            id.clone(),
            &LinkSettings {
                linger_max: settings.linger_max,
                local_shortcut: settings.local_shortcut,
            },
            (backend.bus.clone(), keyring.clone()),
            (observe.clone(), settings.traces.clone()),
            tasks.clone(),
        );
        let signals = Signals::new(settings.in_flight, settings.traces.clone());
        let lease = lease_keeper(&id, &settings, &backend, keyring, doubt.clone());
        Arc::new(Self {
            backend,
            observe,
            tasks,
            lease,
            links,
            signals,
            rooms: Rooms::default(),
            sessions: Sessions::new(id.clone()),
            repairs: Repairs::new(doubt),
            revocations: Revocations::default(),
            settings,
            id,
        })
    }

    /// Another node takes those who are away at once, where there are any. So it does where a session is still noted for this
    /// node: a directory that has just gone back in time lists sessions that no node knows any more.
    pub(crate) async fn give_lease_back(&self) -> Result<(), LeaseError> {
        let leaves_nothing = async {
            let noted = self.backend.directory.enlisted(&self.id).await;
            let is_clean = noted.is_ok_and(|noted| noted.is_empty());
            self.sessions.away_count() == 0 && is_clean
        };
        self.lease.give_back(leaves_nothing).await
    }
}

fn lease_keeper(
    id: &NodeId,
    settings: &Settings,
    backend: &Backend,
    keyring: Arc<Keyring>,
    doubt: Arc<Doubt>,
) -> LeaseKeeper {
    let status = watch::Sender::new(Status::Starting("it has just started".into()));
    let key = KeyAgreement::new(
        keyring,
        settings.cluster_key.clone(),
        backend.leases.clone(),
        status.subscribe(),
    );
    LeaseKeeper::new(
        id.clone(),
        (settings.info.clone(), settings.lease),
        backend.leases.clone(),
        doubt,
        (key, status),
    )
}
