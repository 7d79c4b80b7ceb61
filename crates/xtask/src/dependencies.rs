//! Checks the dependencies that `cargo metadata` lists against the licences and bans of `deny.toml`.
//!
//! cargo-deny reads the same file and checks more (advisories, sources). It takes minutes to install, so it is left to
//! people: `cargo install --locked cargo-deny && cargo deny check`.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::workspace::{self, cargo};

#[derive(Deserialize)]
struct Policy {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    name: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

/// Judges every package that is compiled for one of the targets.
///
/// # Errors
///
/// Names each package that may not be there, and why.
pub(crate) fn check() -> Result<()> {
    let policy = fs::read_to_string(workspace::root().join("deny.toml"))?;
    let policy: Policy = toml::from_str(&policy).context("deny.toml")?;
    let metadata = cargo(["metadata", "--format-version", "1", "--locked"])
        .args(
            policy
                .graph
                .targets
                .iter()
                .map(|target| format!("--filter-platform={target}")),
        )
        .output()?;
    let errors = String::from_utf8_lossy(&metadata.stderr);
    ensure!(metadata.status.success(), "cargo metadata: {errors}");
    let metadata: Metadata = serde_json::from_slice(&metadata.stdout)?;
    let faults: Vec<_> = metadata
        .packages
        .iter()
        .filter_map(|package| policy.fault(package))
        .collect();
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    let count = metadata.packages.len();
    println!("{count} packages, none banned, all under licences that deny.toml allows");
    Ok(())
}

impl Policy {
    /// Why this package may not be in the tree.
    fn fault(&self, package: &Package) -> Option<String> {
        let Package { name, version, .. } = package;
        if self.bans.deny.iter().any(|ban| ban.name == *name) {
            return Some(format!("{name} {version} is banned: see deny.toml"));
        }
        let Some(license) = &package.license else {
            return Some(format!("{name} {version} names no licence"));
        };
        let fault = match spdx::Expression::parse_mode(license, spdx::ParseMode::LAX) {
            Ok(expression) if expression.evaluate(|required| self.allows(required)) => return None,
            Ok(_) => "is under a licence that deny.toml does not allow",
            Err(_) => "names a licence that cannot be read",
        };
        Some(format!("{name} {version} {fault}: {license}"))
    }

    fn allows(&self, required: &spdx::LicenseReq) -> bool {
        let name = required.license.id().map(|id| id.name);
        name.is_some_and(|name| self.licenses.allow.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(name: &str, license: Option<&str>) -> Option<String> {
        let policy = r#"
            graph.targets = []
            licenses.allow = ["MIT", "Apache-2.0"]
            bans.deny = [{ name = "openssl-sys" }]
        "#;
        let policy: Policy = toml::from_str(policy).expect("a policy");
        policy.fault(&Package {
            name: name.into(),
            version: "1.0.0".into(),
            license: license.map(Into::into),
        })
    }

    #[test]
    fn one_allowed_licence_of_several_is_enough_and_all_of_a_conjunction_are_needed() {
        assert_eq!(fault("a", Some("GPL-3.0-only OR MIT")), None);
        assert_eq!(fault("a", Some("MIT/Apache-2.0")), None);
        assert!(fault("a", Some("MIT AND GPL-3.0-only")).is_some());
        assert!(fault("a", Some("GPL-3.0-only")).is_some());
    }

    #[test]
    fn banned_and_unlicensed_packages_are_named() {
        let banned = fault("openssl-sys", Some("MIT"));
        assert_eq!(
            banned.as_deref(),
            Some("openssl-sys 1.0.0 is banned: see deny.toml")
        );
        assert_eq!(
            fault("a", None).as_deref(),
            Some("a 1.0.0 names no licence")
        );
    }
}
