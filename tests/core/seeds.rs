//! The seeds of a simulation, and their distribution over the processor's cores.
//!
//! `<NAME>_SEEDS=30000` is their number, `<NAME>_SEEDS=25001-50000` is a range of them (a part of a run that several
//! machines share), and `<NAME>_SEED=7` is one of them. Without either, each run draws the same.

use std::ops::RangeInclusive;

/// The seeds of the simulation of this name (`WORLD`, `IMPORT`, `STORE`, `FEED`): from 1 up to `count`, unless the
/// environment says otherwise.
pub(crate) fn seeds(name: &str, count: u64) -> RangeInclusive<u64> {
    let set = |ending: &str| std::env::var(format!("{name}_{ending}")).ok();
    match (set("SEED"), set("SEEDS")) {
        (Some(one), _) => range(&format!("{one}-{one}")),
        (None, Some(many)) => range(&many),
        (None, None) => 1..=count,
    }
}

/// "3000" or "2001-3000". What cannot be read must not pass as another number of seeds.
fn range(text: &str) -> RangeInclusive<u64> {
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("no seeds: {text}"));
    match text.split_once('-') {
        Some((first, last)) => number(first)..=number(last),
        None => 1..=number(text),
    }
}

/// What `tried` makes of each seed, on all cores.
pub(crate) fn on_all_cores<T: Send>(
    seeds: RangeInclusive<u64>,
    tried: impl Fn(u64) -> T + Copy + Send,
) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let share = |thread: usize| seeds.clone().skip(thread).step_by(threads);
        let run = |thread| scope.spawn(move || share(thread).map(tried).collect::<Vec<_>>());
        let handles: Vec<_> = (0..threads).map(run).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("the results")).collect()
    })
}

#[test]
fn seeds_are_a_number_or_a_range() {
    assert_eq!(range("3"), 1..=3);
    assert_eq!(range("25001-50000"), 25_001..=50_000);
    assert_eq!(on_all_cores(1..=5, |seed| seed * 2).iter().sum::<u64>(), 30);
}
