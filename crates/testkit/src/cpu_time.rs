//! The CPU time of other processes, from `/proc`.

use std::fs;
use std::time::Duration;

/// A tick of `/proc/<pid>/stat` on Linux (USER_HZ).
const TICK: Duration = Duration::from_millis(10);

/// CPU time, user and system, that a process has used so far.
pub fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The command in parentheses may hold spaces; utime and stime are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(')').expect("stat names the command");
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u32>().expect("a number of ticks"));
    TICK * ticks.sum()
}
