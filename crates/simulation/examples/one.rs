fn main() {
    let mut args = std::env::args().skip(1);
    let from: u64 = args.next().unwrap().parse().unwrap();
    let count: u64 = args.next().map_or(1, |n| n.parse().unwrap());
    for seed in from..from + count {
        let start = std::time::Instant::now();
        let outcome = switchboard_simulation::run(seed);
        if count == 1 {
            println!("{}", outcome.trace);
        }
        println!(
            "seed {seed}: {} events, {:.0?} fp {:x}",
            outcome.trace.len(),
            start.elapsed(),
            outcome.trace.fingerprint()
        );
        for v in outcome.violations {
            println!("  {v}");
        }
    }
}
