//! Whole nodes over the in-memory directory, on a bus that can lose, repeat and delay.

mod bad_bus;
mod delivery;
mod faults;
mod leases;
mod repairs;
mod rig;
mod rooms;
