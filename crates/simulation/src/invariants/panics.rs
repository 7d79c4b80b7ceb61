//! Nothing panics. A node is built to survive it (DESIGN 5); here it is found out why it had to.

use super::story::Story;
use crate::trace::{Trace, What};

pub(super) fn check(trace: &Trace, _: &Story) -> Vec<String> {
    let panics = trace.events.iter().filter_map(|event| match &event.what {
        What::Panicked(what) => Some(what.clone()),
        _ => None,
    });
    panics.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;

    #[test]
    fn a_panic_is_wrong() {
        let mut tale = Tale::of_two();
        assert_eq!(tale.judge(check), [""; 0]);
        tale.note(What::Panicked("panicked at somewhere".into()));
        assert_eq!(tale.judge(check).len(), 1);
    }
}
