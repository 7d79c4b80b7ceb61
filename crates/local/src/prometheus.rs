//! Prometheus over the gateways, as `deploy/prometheus/prometheus.yml` has it, with the rules of the chart.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

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
        Self::start_configured(configuration(targets)?, folder)
    }

    /// The same with another interval for scrapes and rules, for tests that would have to wait otherwise.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_every(interval: Duration, targets: &[SocketAddr], folder: &Path) -> Result<Self> {
        let mut file = configuration(targets)?;
        let interval = format!("{}ms", interval.as_millis());
        for key in ["scrape_interval: ", "evaluation_interval: "] {
            file.replace(key, &[format!("{key}{interval}")])?;
        }
        Self::start_configured(file, folder)
    }

    fn start_configured(file: Template, folder: &Path) -> Result<Self> {
        let address = free_port()?;
        file.write(&folder.join("prometheus.yml"))?;
        let rules = folder.join("rules.yml");
        fs::copy(repository::root().join(RULES), &rules)
            .with_context(|| format!("cannot copy {RULES}"))?;
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

    /// The answer of its API to a path with its query, such as `/api/v1/rules`.
    ///
    /// # Errors
    ///
    /// It does not answer, or with another status than 2xx.
    pub fn get(&self, path: &str) -> Result<String> {
        let mut answer = ureq::get(format!("http://{}{path}", self.address)).call()?;
        answer.body_mut().read_to_string().context("not text")
    }

    /// Where its page is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process, to be asked whether it has ended.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// The repository's file, for the gateways of this machine.
fn configuration(targets: &[SocketAddr]) -> Result<Template> {
    let targets: Vec<_> = targets.iter().map(|ops| format!("\"{ops}\"")).collect();
    let mut file = Template::read(FILE)?;
    file.replace(
        "- targets:",
        &[format!("- targets: [{}]", targets.join(", "))],
    )?;
    file.replace_piece("namespace: compose", "namespace: local")?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateways_of_this_machine_are_scraped_and_no_others() {
        let targets = [1001, 1002].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let file = configuration(&targets).expect("the repository's file is as expected");
        let text = file.text();
        assert!(
            text.contains(r#"- targets: ["127.0.0.1:1001", "127.0.0.1:1002"]"#),
            "{text}"
        );
        assert!(!text.contains("gateway-"), "{text}");
    }
}
