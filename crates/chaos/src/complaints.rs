//! What must not happen during a fault.

use switchboard_traffic::Account;

use crate::fault::Fault;

/// Connections beyond the first that a client may need while gateways are replaced, in the median.
const RECONNECTS_MAX: u64 = 2;

/// One sentence for each.
pub fn complaints(account: &Account, fault: Fault) -> Vec<String> {
    let mut complaints = account.complaints();
    if fault.is_announced() && account.away_seen > 0 {
        complaints.push(format!(
            "clients were seen away {} times",
            account.away_seen
        ));
    }
    if fault.is_behind_the_gateways() && account.dropped > 0 {
        complaints.push(format!("{} connections were dropped", account.dropped));
    }
    let (median, _) = account.reconnects();
    if fault.is_announced() && median > RECONNECTS_MAX {
        complaints.push(format!("{median} reconnects in the median"));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_told_in_time_to_move_is_not_seen_away() {
        let account = Account {
            delivered: 1,
            away_seen: 2,
            ..Account::default()
        };
        assert_eq!(complaints(&account, Fault::GatewayDrained).len(), 1);
        assert!(complaints(&account, Fault::GatewayKilled).is_empty());
    }
}
