//! haproxy's runtime API: one command for each connection to its socket, answered in text.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

const BACKEND: &str = "gateways";
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Whether haproxy takes commands, and so connections.
pub(super) fn is_there(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

/// Changes one server of the gateways.
///
/// # Errors
///
/// With haproxy's own words where it refuses.
pub(super) fn order(socket: &Path, server: &str, order: &str) -> Result<()> {
    let command = format!("set server {BACKEND}/{server} {order}");
    let answer = ask(socket, &command)?;
    let answer = answer.trim();
    // Commands that did what they say are answered by nothing, except the one that tells old and new addresses.
    let went_well = answer.is_empty()
        || answer.starts_with("IP changed")
        || answer.starts_with("port changed")
        || answer.starts_with("no need");
    ensure!(went_well, "haproxy on «{command}»: {answer}");
    Ok(())
}

/// Whether a check has found the server of this name ready, since it was put there.
pub(super) fn is_checked_up(socket: &Path, server: &str) -> bool {
    let table = ask(socket, "show stat").unwrap_or_default();
    let status = |column| cell(&table, server, column);
    // `UP 1/2` is on its way; one that was just enabled is taken for up until it was checked.
    status("status").is_some_and(|status| status == "UP")
        && status("check_status").is_some_and(|status| status == "L7OK")
}

/// How long the server of this name has been as it is.
pub(super) fn since_change(socket: &Path, server: &str) -> Option<Duration> {
    let table = ask(socket, "show stat").ok()?;
    let seconds = cell(&table, server, "lastchg")?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn ask(socket: &Path, command: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket).context("haproxy takes no commands")?;
    stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
    stream.write_all(format!("{command}\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Of the table of `show stat`: comma-separated, its first line names the columns.
fn cell<'a>(table: &'a str, server: &str, column: &str) -> Option<&'a str> {
    let mut lines = table.lines();
    let head = lines.next()?.trim_start_matches("# ");
    let column = head.split(',').position(|name| name == column)?;
    let prefix = format!("{BACKEND},{server},");
    let row = lines.find(|line| line.starts_with(&prefix))?;
    row.split(',').nth(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_the_names_of_columns() {
        let table = "# pxname,svname,scur,status,\n\
            public,FRONTEND,5,OPEN,\n\
            gateways,gw-1,2,UP,\n\
            gateways,gw-10,3,UP 1/2,\n";
        assert_eq!(cell(table, "gw-1", "status"), Some("UP"));
        assert_eq!(cell(table, "gw-10", "status"), Some("UP 1/2"));
        assert_eq!(cell(table, "gw-10", "scur"), Some("3"));
        assert_eq!(cell(table, "gw-2", "scur"), None);
        assert_eq!(cell(table, "gw-1", "qcur"), None);
    }
}
