//! CPU time and memory of other processes, from `/proc`.

use std::fs;
use std::ops::Sub;
use std::time::Duration;

/// A tick of `/proc/<pid>/stat` on Linux (USER_HZ).
const TICK: Duration = Duration::from_millis(10);

/// CPU time, user and system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    pub(crate) gateways: [Duration; 2],
    pub(crate) redis: Duration,
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        let [a, b] = self.gateways;
        let [earlier_a, earlier_b] = earlier.gateways;
        Self {
            gateways: [a - earlier_a, b - earlier_b],
            redis: self.redis - earlier.redis,
        }
    }
}

/// CPU time that a process has used so far.
pub(crate) fn cpu(pid: u32) -> Duration {
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
