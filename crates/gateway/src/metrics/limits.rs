//! What is refused because of a limit.

use switchboard_cluster::Repeated;
use switchboard_session::Rule;

use super::by_label::CountersBy;

/// Counters by rule.
pub(super) type LimitCounters = CountersBy<Rule, { Rule::ALL.len() }>;

/// An address that has too much may be that of a proxy that nobody has named, and all clients behind it suffer.
pub(super) fn warn_of_address(rule: Rule) {
    static ADDRESSES: Repeated = Repeated::new();
    if rule.is_of_address()
        && let Some(said) = ADDRESSES.happened()
    {
        let rule = rule.as_str();
        tracing::warn!(
            rule,
            "an address has reached limits.{rule}; if it is the address of a proxy, name that in proxy.trusted{said}"
        );
    }
}
