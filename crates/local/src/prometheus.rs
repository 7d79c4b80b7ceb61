//! Prometheus over the gateways, as `deploy/prometheus/prometheus.yml` has it, with the rules of the chart.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::repository::{self, Template};
use crate::{Program, free_port};

const FILE: &str = "deploy/prometheus/prometheus.yml";
const RULES: &str = "helm/switchboard/files/rules.yml";

/// Prometheus, running.
pub struct Prometheus {
    program: Program,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts it over these ops addresses, and waits until it listens.
    ///
    /// # Errors
    ///
    /// It does not start, or the repository's file is not as expected.
    pub fn start(targets: &[SocketAddr], folder: &Path) -> Result<Self> {
        let address = free_port()?;
        configure(targets, folder)?;
        let mut command = Command::new("prometheus");
        command
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=prometheus")
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder);
        let mut program = Program::start("prometheus", command, folder)?;
        let ready = format!("http://{address}/-/ready");
        program.wait_until("ready", || ureq::get(&ready).call().is_ok())?;
        Ok(Self { program, address })
    }

    /// Where its page is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The process, to be asked whether it has ended.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

fn configure(targets: &[SocketAddr], folder: &Path) -> Result<()> {
    let targets: Vec<_> = targets.iter().map(|ops| format!("\"{ops}\"")).collect();
    let mut file = Template::read(FILE)?;
    file.replace(
        "- targets:",
        &[format!("- targets: [{}]", targets.join(", "))],
    )?;
    file.replace_piece("namespace: compose", "namespace: local")?;
    file.write(&folder.join("prometheus.yml"))?;
    let rules = folder.join("rules.yml");
    fs::copy(repository::root().join(RULES), &rules)
        .with_context(|| format!("cannot copy {RULES}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateways_of_this_machine_are_scraped_and_no_others() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let targets = [1001, 1002].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        configure(&targets, folder.path()).expect("the repository's files are as expected");
        let text = fs::read_to_string(folder.path().join("prometheus.yml"));
        let text = text.expect("it was written");
        assert!(
            text.contains(r#"- targets: ["127.0.0.1:1001", "127.0.0.1:1002"]"#),
            "{text}"
        );
        assert!(!text.contains("gateway-"), "{text}");
        assert!(folder.path().join("rules.yml").is_file());
    }
}
