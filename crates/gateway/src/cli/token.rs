//! `switchboard token`.

use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use clap::builder::PossibleValuesParser;
use switchboard_auth::{NewToken, mint};
use switchboard_protocol::{RoomId, UserId};

use super::{print, remark};
use crate::config::Config;

const ABILITIES: [&str; 6] = ["join", "create", "signal", "state", "invite", "admin"];

const EXAMPLES: &str = "\
Examples:
  switchboard token --user alice
  switchboard token --user bob --name 'Bob B.' --room 'study-*' --room lobby --ttl 7d
  switchboard token --user watcher --hidden --can join --room 'study-*'

The secret is auth.jwt.secret, usually from JWT_SECRET: the same that the gateway has.
Only the token goes to standard output: TOKEN=$(switchboard token --user alice)";

/// What the token says.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TokenArgs {
    /// The user's id
    #[arg(long)]
    user: UserId,

    /// The name that others see
    #[arg(long)]
    name: Option<String>,

    /// A room, or the beginning of its name and *; repeat for more [default: any room]
    #[arg(long = "room", value_name = "ROOM", value_parser = room_pattern)]
    rooms: Vec<String>,

    /// What the user may do; repeat, or put commas between [default: all but admin]
    #[arg(long, value_name = "ABILITY", value_delimiter = ',', value_parser = PossibleValuesParser::new(ABILITIES))]
    can: Vec<String>,

    /// The most members the user may ask for when creating a room
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    capacity: Option<u32>,

    /// An observer, whom nobody sees
    #[arg(long)]
    hidden: bool,

    /// How long it is valid: 90s, 30m, 1h or 7d
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: Duration,
}

impl TokenArgs {
    /// Prints the token; to a person at a terminal also what to do with it.
    pub fn run(self, config: &Config) -> anyhow::Result<()> {
        let key = config.auth.jwt.secret.as_ref().context(
            "there is no secret to sign with: set JWT_SECRET, or auth.jwt.secret in the file, to the gateway's own",
        )?;
        let token = NewToken {
            user: self.user.to_string(),
            name: self.name,
            rooms: self.rooms,
            can: self.can,
            capacity: self.capacity,
            hidden: self.hidden,
            ttl: self.ttl,
        };
        let rules = config.auth.jwt.rules();
        let token = mint(&rules, key.expose().as_bytes(), &token)?;
        print(&format!("{token}\n"))?;
        if io::stdout().is_terminal() {
            remark(&format!(
                "\nFor {}, valid for {} s. Send it as `token` in hello, as `Authorization: Bearer …` or as ?access_token=",
                self.user,
                self.ttl.as_secs()
            ));
        }
        Ok(())
    }
}

fn room_pattern(text: &str) -> Result<String, String> {
    let checked = match text.strip_suffix('*') {
        // A room that begins so goes on: `my *` is the beginning of `my room`.
        Some(beginning) => RoomId::check(&format!("{beginning}x")),
        None => RoomId::check(text),
    };
    checked
        .map(|()| text.into())
        .map_err(|error| format!("{error}, or the beginning of one and *"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let allowed = || String::from("write a number above 0 and s, m, h or d, such as 1h");
    let unit = text.chars().next_back().ok_or_else(allowed)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(allowed()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| allowed())?;
    let total = count
        .checked_mul(seconds)
        .filter(|total| *total > 0)
        .ok_or_else(allowed)?;
    Ok(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("1h", 3600), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in ["", "1", "h", "0s", "-1h", "1y", "1é", "999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_room_pattern_is_a_room_or_its_beginning() {
        for (pattern, valid) in [
            ("study-*", true),
            ("*", true),
            ("lobby", true),
            ("a b", true),
            ("a *", true),
            ("회의*", true),
            ("a/b*", true),
            ("a*b", false),
            ("a**", false),
            (" a*", false),
            ("a ", false),
            ("", false),
        ] {
            assert_eq!(room_pattern(pattern).is_ok(), valid, "{pattern}");
        }
    }
}
