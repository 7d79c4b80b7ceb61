//! The kinds of machine whose way to install packages is known.

use std::{fmt, fs};

/// A family of systems that install alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    Debian,
    /// Debian's packages, but browsers only as snaps.
    Ubuntu,
    Fedora,
    MacOs,
    Unknown,
}

impl Platform {
    pub(crate) const KNOWN: [Self; 4] = [Self::Debian, Self::Ubuntu, Self::Fedora, Self::MacOs];

    pub(crate) fn installs_with_apt(self) -> bool {
        matches!(self, Self::Debian | Self::Ubuntu)
    }

    /// What one types before the names of packages.
    pub(crate) fn install_command(self) -> Option<&'static str> {
        match self {
            Self::Debian | Self::Ubuntu => {
                Some("sudo apt-get update && sudo apt-get install -y --no-install-recommends")
            }
            Self::Fedora => Some("sudo dnf install"),
            Self::MacOs => Some("brew install"),
            Self::Unknown => None,
        }
    }

    /// What this program runs on.
    pub(crate) fn here() -> Self {
        if cfg!(target_os = "macos") {
            return Self::MacOs;
        }
        fs::read_to_string("/etc/os-release")
            .map_or(Self::Unknown, |release| Self::from_os_release(&release))
    }

    /// Reads `ID` and `ID_LIKE` of os-release(5).
    fn from_os_release(release: &str) -> Self {
        let ids: Vec<&str> = release
            .lines()
            .filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")))
            .flat_map(|value| value.trim_matches('"').split_whitespace())
            .collect();
        [
            ("ubuntu", Self::Ubuntu),
            ("debian", Self::Debian),
            ("fedora", Self::Fedora),
        ]
        .into_iter()
        .find(|(id, _)| ids.contains(id))
        .map_or(Self::Unknown, |(_, platform)| platform)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Debian => "Debian",
            Self::Ubuntu => "Ubuntu",
            Self::Fedora => "Fedora",
            Self::MacOs => "macOS",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_told_apart_by_id_and_kinship() {
        let platform = Platform::from_os_release;
        assert_eq!(
            platform("PRETTY_NAME=\"Debian\"\nID=debian\n"),
            Platform::Debian
        );
        assert_eq!(platform("ID=ubuntu\nID_LIKE=debian\n"), Platform::Ubuntu);
        assert_eq!(
            platform("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
            Platform::Ubuntu
        );
        assert_eq!(
            platform("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
            Platform::Fedora
        );
        assert_eq!(platform("ID=arch\n"), Platform::Unknown);
    }
}
