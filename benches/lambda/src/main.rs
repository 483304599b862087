//! The paired end-to-end bench: processes under a Runtime API server, cold and warm. Each round runs all of them in
//! random order. The results are medians of ratios within a round, so a slow minute of the machine affects all
//! processes equally. `benches/lambda/run` builds the programs and starts this one.

mod api;
mod awake;
mod material;
mod report;
mod series;
#[path = "../../../src/bin/authz/sign.rs"]
mod sign;
mod subject;

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use api::Api;
use material::Material;
use series::{Bench, Series};
use subject::{Cpus, Sample};

/// A quick run takes a seventh of the time.
const QUICK: u64 = 7;

/// The numbers of a series: a list for each subject, one item per round.
pub(crate) type Samples = HashMap<&'static str, Vec<Sample>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some(awake::SPIN) {
        awake::spin();
        return Ok(());
    }
    let (Some(built), Some(mode)) = (first, arguments.next()) else {
        return Err("usage: lambda-bench DIRECTORY full|quick [SERIES...]".into());
    };
    let only: Vec<_> = arguments.collect();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let built = PathBuf::from(built).canonicalize()?;
    let material = Material::new(&repository, &built.join("work"))?;
    let mut api = Api::start(material.key_set.clone())?;
    let all = Bench::new(&material, &built)?.series(&api.address()?.to_string())?;
    let cpus = Cpus::find()?;

    let machine = report::machine();
    let mut measured = Vec::new();
    for series in all.into_iter().filter(|series| only.is_empty() || only.iter().any(|name| name == series.name)) {
        let samples = run(&series, if mode == "quick" { QUICK } else { 1 }, &mut api, &cpus)?;
        measured.push((series, samples));
    }
    print!("{}", report::write(&measured, material.token_bytes()?, &machine));
    Ok(())
}

/// Runs whole rounds until there are enough or the time is up.
fn run(series: &Series, part: u64, api: &mut Api, cpus: &Cpus) -> Result<Samples, Box<dyn Error>> {
    let began = Instant::now();
    let mut samples = Samples::new();
    let mut order: Vec<_> = series.subjects.iter().map(|entry| &entry.subject).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut round = 0;
    while round == 0 || (round < series.rounds && began.elapsed().as_secs() < series.seconds / part) {
        dice.shuffle(&mut order);
        for subject in &order {
            samples.entry(subject.name).or_default().push(subject.measure(api, cpus)?);
        }
        round += 1;
    }
    eprintln!("{}: {round} rounds in {} s", series.name, began.elapsed().as_secs());
    Ok(samples)
}

/// A random number generator (xorshift64) that gives the same orders in every run.
struct Dice(u64);

impl Dice {
    fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            things.swap(last, (self.0 % (last as u64 + 1)) as usize);
        }
    }
}
