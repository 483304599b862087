//! The paired end-to-end bench: processes under a Runtime API server, cold and warm, one after the other in each round, in an order
//! that turns with the round. What is told are medians of ratios within a round, so that a slow minute of the machine meets
//! everybody alike. `benches/lambda/run` builds what is needed and starts this.

mod api;
mod material;
mod report;
mod series;
#[path = "../../../src/bin/authz/sign.rs"]
mod sign;
mod subject;

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use api::Api;
use material::Material;
use series::{Bench, Series};
use subject::{Cpus, Sample};

/// The numbers of a series, by subject, one of each for every round.
pub(crate) type Samples = HashMap<&'static str, Vec<Sample>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(built), Some(mode)) = (arguments.next(), arguments.next()) else {
        return Err("usage: lambda-bench DIRECTORY full|quick [SERIES...]".into());
    };
    let only: Vec<_> = arguments.collect();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let built = PathBuf::from(built).canonicalize()?;
    let material = Material::new(&repository, &built.join("work"))?;
    let mut api = Api::start(material.key_set.clone())?;
    let all = Bench::new(&material, &repository, &built)?.series(&api.address()?.to_string())?;
    let last = available_parallelism()?.get() - 1;
    let cpus = Cpus { server: 0, subject: last };

    let mut measured = Vec::new();
    for series in all.into_iter().filter(|series| only.is_empty() || only.iter().any(|name| name == series.name)) {
        let rounds = if mode == "quick" { series.quick_rounds } else { series.rounds };
        eprintln!("{}: {rounds} rounds of {}", series.name, series.subjects.len());
        let samples = run(&series, rounds, &mut api, &cpus)?;
        measured.push((series, samples));
    }
    print!("{}", report::write(&measured, material.token_bytes()?));
    Ok(())
}

fn run(series: &Series, rounds: usize, api: &mut Api, cpus: &Cpus) -> Result<Samples, Box<dyn Error>> {
    let mut samples = Samples::new();
    for round in 0..rounds {
        for place in 0..series.subjects.len() {
            let subject = &series.subjects[(round + place) % series.subjects.len()].subject;
            samples.entry(subject.name).or_default().push(subject.measure(api, cpus)?);
        }
    }
    Ok(samples)
}
