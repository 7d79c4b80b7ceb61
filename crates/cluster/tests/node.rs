//! Whole nodes over the in-memory directory, on a bus that can lose, repeat and delay.

mod node {
    pub mod bad_bus;
    pub mod rig;
    mod delivery;
    mod leases;
    mod rooms;
}
