//! What each release sent and wrote, kept in `tests/golden/<release>/`, and read by the present code.
//!
//! | file | holds |
//! | --- | --- |
//! | `frames.json` | frames under a fixed key, beside what they say |
//! | `records.json` | records of members, beside what they say |
//! | `secrets.json` | resume secrets, beside what they are for |
//! | `scripts/*.lua` | the scripts, each with what is put in front of it |
//! | `calls.json` | what a node of that release said to Redis in the [story], and the answers of its scripts |
//! | `directory.json` | what Redis held after the first half of the story |
//! | `answers.txt` | what the second half answers, in words |
//!
//! A set is made once, for a new release, and never written again:
//!
//! ```text
//! SWITCHBOARD_GOLDEN=v0.3.0 cargo test -p switchboard-cluster --lib golden::set::make -- --ignored --exact
//! ```

mod calls;
mod directory;
mod frames;
mod monitor;
mod records;
mod samples;
mod secrets;
mod set;
mod story;
mod text;
mod words;
