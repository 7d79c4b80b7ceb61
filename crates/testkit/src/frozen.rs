//! Freezing processes: a process that runs on another core stops some time after SIGSTOP was sent.

use std::fs;
use std::path::{Path, PathBuf};

use crate::wait::until;

/// Waits until each thread of a process that was sent SIGSTOP is stopped. Without `/proc` it does not wait.
pub(crate) fn until_frozen(pid: u32) {
    let tasks = PathBuf::from(format!("/proc/{pid}/task"));
    until("a process is frozen", || match fs::read_dir(&tasks) {
        Ok(tasks) => tasks.flatten().all(|task| is_stopped(&task.path())),
        Err(_) => true,
    });
}

/// proc_pid_stat(5): the state stands behind the name, which is in brackets and may have some itself.
fn is_stopped(task: &Path) -> bool {
    let Ok(stat) = fs::read_to_string(task.join("stat")) else {
        return true;
    };
    let behind_name = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    behind_name.is_some_and(|rest| rest.starts_with(['T', 't']))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    #[test]
    fn a_stopped_process_is_frozen_and_a_running_one_is_not() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("it starts");
        let task = PathBuf::from(format!("/proc/{0}/task/{0}", child.id()));
        let ran = is_stopped(&task);
        kill_process(Pid::from_child(&child), Signal::STOP).expect("it is there");
        until_frozen(child.id());
        let stopped = is_stopped(&task);
        child.kill().expect("it is there");
        child.wait().expect("it ends");
        assert!(!ran && stopped);
    }
}
