//! How many files this process may have open. A connection is a file.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most that this process can allow itself; `None`: as many as it likes.
pub(crate) fn most() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Raises the limit to [`most`]. Shells and services start programs with less, for those that cannot deal with more.
pub(crate) fn raise() -> io::Result<OpenFiles> {
    let before = getrlimit(Resource::Nofile);
    if before.current != before.maximum {
        let raised = Rlimit {
            current: before.maximum,
            ..before
        };
        setrlimit(Resource::Nofile, raised)?;
    }
    Ok(OpenFiles {
        before: before.current,
        now: before.maximum,
    })
}

/// The limit as it is.
pub(crate) fn current() -> OpenFiles {
    let current = getrlimit(Resource::Nofile).current;
    OpenFiles {
        before: current,
        now: current,
    }
}

/// The limit of this process, before and after it was raised. `None`: there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenFiles {
    pub(crate) before: Option<u64>,
    pub(crate) now: Option<u64>,
}
