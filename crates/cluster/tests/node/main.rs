//! Whole nodes over the in-memory directory, on a bus that can lose, repeat and delay.

mod away;
mod bad_bus;
mod delivery;
mod evictions;
mod faults;
mod faulty_directory;
mod forgetting;
mod formats;
mod going_back;
mod interleavings;
mod keys;
mod late_places;
mod leases;
mod looking_up;
mod moves;
mod moving_in_two_rooms;
mod moving_signals;
mod names;
mod panics;
mod partition;
mod races;
mod repairs;
mod resume;
mod rig;
mod rooms;
mod traced;
