//! How often a client has to move while gateways are replaced one by one.

use switchboard_local::Balance;

/// On average, if each connection goes where `balance` sends it.
///
/// With `leastconn` whoever is drained goes to the gateway that is new and empty, and stays: once. At random it may go to
/// one that is replaced later: with each gateway that is drained the ones that are still to come get fuller by a factor of
/// 1 + 1/n, so (1 + 1/n)^n - 1 of what one gateway had, n times, over all clients.
pub(crate) fn expected(balance: Balance, gateways: usize) -> f64 {
    let n = gateways as f64;
    match balance {
        Balance::Leastconn => 1.0,
        Balance::Random => (1.0 + 1.0 / n).powf(n) - 1.0,
    }
}

/// Of a leastconn that works.
const LEASTCONN_MOST: f64 = 1.1;
/// A client moves once or twice, seldom more often: the mean of many is rarely further off than three times this, by the
/// root of how many there are.
const DEVIATION: f64 = 1.0;

/// The highest average that is no finding.
pub(crate) fn at_most(balance: Balance, gateways: usize, clients: usize) -> f64 {
    match balance {
        Balance::Leastconn => LEASTCONN_MOST,
        Balance::Random => {
            expected(balance, gateways) + 3.0 * DEVIATION / (clients.max(1) as f64).sqrt()
        }
    }
}

/// Moves of all clients, in their order from few to many.
pub(crate) struct Moves<'a>(pub(crate) &'a [u64]);

impl Moves<'_> {
    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<u64>() as f64 / self.0.len().max(1) as f64
    }

    /// Of the client that moved more often than this part of all.
    pub(crate) fn quantile(&self, part: f64) -> u64 {
        let rank = (part * self.0.len() as f64).ceil() as usize;
        let index = rank.saturating_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays it: clients as parts of a whole, each drained gateway's split evenly over the others and the new one.
    fn played(gateways: usize) -> f64 {
        let mut old = vec![1.0 / gateways as f64; gateways];
        let mut moved = 0.0;
        while let Some(drained) = old.pop() {
            moved += drained;
            old.iter_mut()
                .for_each(|it| *it += drained / gateways as f64);
        }
        moved
    }

    #[test]
    fn the_formula_is_what_happens() {
        for gateways in [1, 2, 3, 5, 10] {
            let expected = expected(Balance::Random, gateways);
            assert!((expected - played(gateways)).abs() < 1e-9, "{gateways}");
        }
        assert!((expected(Balance::Random, 3) - 1.37).abs() < 0.001);
    }

    #[test]
    fn quantiles_are_of_clients() {
        let moves: Vec<_> = (1..=100).collect();
        let moves = Moves(&moves);
        assert_eq!(
            (
                moves.quantile(0.5),
                moves.quantile(0.99),
                moves.quantile(1.0)
            ),
            (50, 99, 100)
        );
        assert_eq!(Moves(&[]).quantile(0.5), 0);
        assert!((Moves(&[1, 1, 1, 2]).mean() - 1.25).abs() < 1e-9);
    }
}
