//! A long life: every kind of event and token, tables with claims bound to paths, tenants, introspection, rotations,
//! revocations and outages, one invocation at a time and many at once. The answer to an event is the first one all along,
//! and a new process gives it, too; neither memory, file descriptors nor threads, as read from `/proc`, grow.
//! `cargo xtask soak` runs ten million invocations on the release build.

#![expect(clippy::arithmetic_side_effects, reason = "an overflow fails the test, and a counter needs no other care")]

mod deck;
mod driver;
mod holds;
mod judge;
mod random;
mod world;

use driver::{Driver, Plan, Run};
use holds::{Holds, cost_by_tenths};
use world::World;

use crate::support::key;

/// The number of invocations of each runtime in ordinary test runs.
const INVOCATIONS: u64 = 6_500;
/// The memory by which the second half may exceed the maximum of the first: pages that the allocator happens to touch.
const SLACK_KB: u64 = 1024;
/// From so many invocations on, processor time is compared: in a tenth of them, what else the machine does evens out.
const TIMED: u64 = 1_000_000;
/// The most tokens of organizations: many times the policies that the program keeps.
const MEMBERS: usize = 2500;
/// How many invocations are in flight at once under the concurrent runtime.
const AT_ONCE: usize = 16;

/// How the program runs: what it is called, what Lambda sets for it, and how many invocations are in flight.
struct Runtime {
    name: &'static str,
    concurrency: Option<&'static str>,
    at_once: usize,
}

const CLASSIC: Runtime = Runtime { name: "classic", concurrency: None, at_once: 1 };
const CONCURRENT: Runtime = Runtime { name: "concurrent", concurrency: Some("16"), at_once: AT_ONCE };

/// Half of `SOAK_INVOCATIONS`, or else the usual number.
fn invocations() -> u64 {
    let longer = std::env::var_os("SOAK_INVOCATIONS");
    longer.map_or(INVOCATIONS, |number| number.to_str().unwrap().parse::<u64>().unwrap() / 2)
}

/// Runs a process of one runtime, and then a new one of the other through each event once, or some of them.
#[track_caller]
fn lives_long(runtime: &Runtime, other: &Runtime) {
    let invocations = invocations();
    let members = usize::try_from(invocations / 6).unwrap().min(MEMBERS);
    let deck = deck::deck(members);
    let world = World::start();
    let document = deck::document(&world.url()).to_string();
    let driver = Driver::start(deck, world.clock());
    let variables = |of: &Runtime| {
        let mut variables = vec![
            ("AUTHORIZER_CONFIG", document.as_str()),
            ("SECRET", key("HS256").secret()),
            ("AWS_LAMBDA_LOG_LEVEL", "FATAL"),
        ];
        variables.extend(of.concurrency.map(|number| ("AWS_LAMBDA_MAX_CONCURRENCY", number)));
        variables
    };
    let run = driver.run(&variables(runtime), Plan { invocations, moving: true });
    // All events, unless the run was short.
    let again = u64::try_from(driver.cards()).unwrap().min(invocations / 4);
    let fresh = Plan { invocations: again, moving: false };
    let fresh = driver.run(&variables(other), fresh);

    print(runtime, &run, &world);
    println!("  a new process gave the same answers to {} events that do not change", fresh.answered);
    assert_eq!(run.unseen(), Vec::<String>::new(), "not seen");
    let (first, second) = run.looks.split_at(run.looks.len() / 2);
    let (first, second) = (Holds::most(first), Holds::most(second));
    assert!(second.resident_kb <= first.resident_kb + SLACK_KB, "{:?}", run.looks);
    assert!(second.threads <= first.threads, "{:?}", run.looks);
    // A fetch or a question that is under way at the moment has a descriptor.
    assert!(second.descriptors < first.descriptors + runtime.at_once, "{:?}", run.looks);
    assert!(run.connections < 2 * runtime.at_once, "{} connections", run.connections);
    assert!(run.most_in_flight <= runtime.at_once && (run.most_in_flight > 1) == (runtime.at_once > 1));
    let mut costs = cost_by_tenths(&run.looks);
    let last = costs.last().copied().unwrap_or_default();
    costs.sort_unstable();
    assert!(invocations < TIMED || last <= costs[costs.len() / 2] * 3, "{costs:?} us, the last tenth {last} us");
}

fn print(runtime: &Runtime, run: &Run, world: &World) {
    let rate = u128::from(run.answered) * 1000 / run.took.as_millis().max(1);
    let (took, name) = (run.took.as_secs(), runtime.name);
    println!("{name}: {} invocations in {took} s, {rate} per second", run.answered);
    for (kind, count) in &run.kinds {
        println!("  {count:9} {kind}");
    }
    println!("  {} revocations seen; {:?}", run.revocations, run.outcomes);
    println!("  {} answers while a fetch of keys had just failed", run.unsettled);
    assert!(run.unsettled <= run.answered / 1000 + 20, "keys are nearly always there");
    println!("  requests to issuers: {:?}", world.asked());
    println!("  at most {} in flight, {} connections", run.most_in_flight, run.connections);
    let (first, second) = run.looks.split_at(run.looks.len() / 2);
    for (when, look) in
        [("at first", run.looks.first()), ("half way", second.first()), ("at the end", run.looks.last())]
    {
        println!("  {when:10} {}", look.unwrap().holds);
    }
    println!("  at most    {} in the first half", Holds::most(first));
    println!("  at most    {} in the second half", Holds::most(second));
    println!("  processor time of an invocation by tenths: {:?} us", cost_by_tenths(&run.looks));
}

#[test]
fn memory_and_descriptors_are_level_over_a_long_run() {
    lives_long(&CLASSIC, &CONCURRENT);
}

#[test]
fn memory_and_descriptors_are_level_over_a_long_run_of_many_invocations_at_once() {
    lives_long(&CONCURRENT, &CLASSIC);
}
