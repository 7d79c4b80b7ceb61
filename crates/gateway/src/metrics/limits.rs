//! What is refused because of a limit.

use switchboard_session::Rule;

use super::by_label::CountersBy;

/// Counters by rule.
pub(super) type LimitCounters = CountersBy<Rule, { Rule::ALL.len() }>;
