//! `deploy/haproxy/haproxy.cfg` with addresses of this machine.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{Balance, HaproxyPlan, Slot};
use crate::repository::Template;

const FILE: &str = "deploy/haproxy/haproxy.cfg";
/// As the file has it.
pub(super) const SLOWSTART: Duration = Duration::from_secs(20);

/// The file as haproxy is to read it here.
pub(super) fn render(
    plan: &HaproxyPlan,
    public: SocketAddr,
    stats: SocketAddr,
    socket: &Path,
) -> Result<Template> {
    let mut file = Template::read(FILE)?;
    file.replace("bind ", &[format!("bind {public}")])?;
    if plan.balance == Balance::Random {
        // Plain `random` draws two and takes the better one.
        file.replace("balance ", &["balance random(1)".into()])?;
    }
    let slowstart = plan.slowstart.unwrap_or(SLOWSTART).as_millis().max(1);
    let said = format!("slowstart {}s", SLOWSTART.as_secs());
    file.replace_piece(&said, &format!("slowstart {slowstart}ms"))?;
    let servers: Vec<_> = plan
        .slots
        .iter()
        .map(|slot| server(slot, plan.balance))
        .collect();
    file.replace("server ", &servers)?;
    let socket = format!("    stats socket {} mode 600 level admin", socket.display());
    file.add_after("global", &[socket])?;
    file.append(&[
        String::new(),
        "listen stats".into(),
        format!("    bind {stats}"),
        "    stats enable".into(),
        "    stats uri /".into(),
        "    stats refresh 1s".into(),
    ]);
    Ok(file)
}

fn server(Slot { name, gateway }: &Slot, balance: Balance) -> String {
    let place = match gateway {
        Some((listen, ops)) => format!("{listen} port {}", ops.port()),
        // For later.
        None => "127.0.0.1:1 port 1 disabled".into(),
    };
    let weight = match balance {
        Balance::Leastconn => "",
        // haproxy draws a point on a ring on which each server has 16 places for each unit of weight. With the usual weight of
        // 1 the ring is uneven: of 3000 connections three servers got 34, 29 and 37 %.
        Balance::Random => " weight 100",
    };
    format!("server {name} {place}{weight}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_of_another_machine_is_replaced() {
        let gateway = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let slots = [
            ("gw-1", Some((gateway(1001), gateway(1002)))),
            ("free", None),
        ];
        let slots = slots.map(|(name, gateway)| Slot {
            name: name.into(),
            gateway,
        });
        let plan = HaproxyPlan {
            public: None,
            balance: Balance::Random,
            slowstart: Some(Duration::from_millis(1500)),
            slots: slots.into(),
        };
        let file = render(&plan, gateway(1003), gateway(1004), Path::new("/x/y"));
        let text = file.expect("the repository's file is as expected").text();
        for line in [
            "bind 127.0.0.1:1003",
            "bind 127.0.0.1:1004",
            "balance random(1)",
            "server gw-1 127.0.0.1:1001 port 1002 weight 100",
            "server free 127.0.0.1:1 port 1 disabled weight 100",
            "stats socket /x/y mode 600 level admin",
        ] {
            assert!(text.lines().any(|it| it.trim() == line), "{line}\n{text}");
        }
        assert!(text.contains(" slowstart 1500ms"), "{text}");
        for piece in ["gateway-a", ":8080", "leastconn\n"] {
            assert!(!text.contains(piece), "{piece}\n{text}");
        }
    }
}
