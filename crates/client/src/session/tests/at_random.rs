//! A session against a gateway that loses connections, answers and itself, by seed.

mod world;

use super::*;
use world::World;

const SEEDS: u64 = 1000;
const STEPS: usize = 400;

/// xorshift64* (Vigna, 2016): the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[test]
fn everything_is_answered_once_and_told_once_in_order_whatever_happens() {
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..STEPS {
                world.step();
            }
            world.come_to_rest();
        });
        assert!(run.is_ok(), "seed {seed}");
    }
}
