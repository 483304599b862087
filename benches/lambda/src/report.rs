//! The report in Markdown.

use std::fmt::Write as _;

use crate::Samples;
use crate::series::{
    ANSWERS, AUTHORIZER, CONTROL, Entry, FETCHED, FLOOR, FLOOR_FETCHED, NODE, REFUSALS, Series, TEN, TEN_THOUSAND,
};
use crate::subject::Sample;

type Metric = fn(&Sample) -> f64;

/// The columns: heading, number, divisor and decimals.
const COLUMNS: [(&str, Metric, f64, usize); 7] = [
    ("cold: first poll, ms", |sample| sample.poll, 1000.0, 2),
    ("cold: first answer, ms", |sample| sample.first, 1000.0, 2),
    ("cold: CPU, ms", |sample| sample.cold_cpu, 1000.0, 2),
    ("warm: p50, µs", |sample| sample.p50, 1.0, 1),
    ("warm: p99, µs", |sample| sample.p99, 1.0, 1),
    ("warm: CPU a call, µs", |sample| sample.cpu, 1.0, 1),
    ("peak memory, MiB", |sample| sample.memory, 1024.0, 1),
];

/// The numbers that targets use. They must agree for the two copies of the control.
const TOLD: [Metric; 4] = [|sample| sample.cold_cpu, |sample| sample.p50, |sample| sample.cpu, |sample| sample.memory];

/// The largest deviation of the control from 1 in a usable run.
const CONTROL_WITHIN: f64 = 0.10;

struct Target {
    what: &'static str,
    series: &'static str,
    subject: &'static str,
    against: &'static str,
    metric: Metric,
    most: f64,
}

const fn target(
    what: &'static str,
    series: &'static str,
    [subject, against]: [&'static str; 2],
    metric: Metric,
    most: f64,
) -> Target {
    Target { what, series, subject, against, metric, most }
}

const TARGETS: [Target; 11] = [
    target("warm p50, of the floor's", "floor", [AUTHORIZER, FLOOR], |sample| sample.p50, 1.40),
    target("CPU a call, of the floor's", "floor", [AUTHORIZER, FLOOR], |sample| sample.cpu, 1.60),
    target("cold CPU, of the floor's", "floor", [AUTHORIZER, FLOOR], |sample| sample.cold_cpu, 1.45),
    target("peak memory, of the floor's", "floor", [AUTHORIZER, FLOOR], |sample| sample.memory, 1.40),
    target(
        "cold CPU with keys fetched at start, of that with keys in a file",
        "variants",
        [FETCHED, AUTHORIZER],
        |sample| sample.cold_cpu,
        1.10,
    ),
    target("warm p50 with 10,000 routes, of that with 10", "variants", [TEN_THOUSAND, TEN], |sample| sample.p50, 1.05),
    target(
        "warm p50 with an answer of 3 KB, of the same checks' on lambda_runtime",
        "answers",
        [ANSWERS[0].0, ANSWERS[0].1],
        |sample| sample.p50,
        1.10,
    ),
    target(
        "warm p50 with an answer of 8 KiB, of the same checks' on lambda_runtime",
        "answers",
        [ANSWERS[1].0, ANSWERS[1].1],
        |sample| sample.p50,
        1.20,
    ),
    target("cold CPU, of Node's with aws-jwt-verify", "languages", [AUTHORIZER, NODE], |sample| sample.cold_cpu, 0.02),
    target("warm p50, of Node's with aws-jwt-verify", "languages", [AUTHORIZER, NODE], |sample| sample.p50, 0.23),
    target("peak memory, of Node's with aws-jwt-verify", "languages", [AUTHORIZER, NODE], |sample| sample.memory, 0.08),
];

/// The machine, and how busy it was before the run.
pub(crate) fn machine() -> String {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    let (cpus, load) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let load = load.split(' ').next().unwrap_or("unknown");
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{} {}, {cores} cores, {model}; load before the run {load}", std::env::consts::OS, std::env::consts::ARCH)
}

pub(crate) fn write(measured: &[(Series, Samples)], token_bytes: usize, machine: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{machine}. RS256 with 2,048 bits, a token of {token_bytes} bytes.\n\n### Targets\n");
    targets(&mut text, measured);
    for (series, samples) in measured {
        table(&mut text, series, samples);
    }
    text
}

fn targets(text: &mut String, measured: &[(Series, Samples)]) {
    let of = |name: &str| measured.iter().find(|(series, _)| series.name == name);
    text.push_str("| ratio | target | measured (quartiles) | |\n|---|---|---|---|\n");
    for Target { what, series, subject, against, metric, most } in TARGETS {
        let ratio = of(series).and_then(|(_, samples)| Ratio::of(samples, subject, against, metric));
        // The same ratio for the floor: if the floor misses a target, the authorizer is not the cause.
        let floor = match subject {
            FETCHED => Some([FLOOR_FETCHED, FLOOR]),
            _ => Some([FLOOR, against]).filter(|_| series == "languages"),
        };
        let floor =
            of(series).zip(floor).and_then(|((_, samples), [one, other])| Ratio::of(samples, one, other, metric));
        let floor = floor.map(|ratio| format!("; the floor: {}", ratio.told())).unwrap_or_default();
        let _ = match ratio {
            Some(ratio) => {
                writeln!(text, "| {what} | at most {most:.2} | {ratio}{floor} | {} |", holds(ratio.median <= most))
            }
            None => writeln!(text, "| {what} | at most {most:.2} | not measured | |"),
        };
    }
    if let Some((_, samples)) = of("refusals") {
        for (name, _) in REFUSALS {
            if let Some(ratio) = Ratio::of(samples, name, AUTHORIZER, |sample| sample.cpu) {
                let verdict = holds(ratio.median <= 1.0);
                let _ = writeln!(text, "| CPU a call, {name}, of a permit's | at most 1.00 | {ratio} | {verdict} |");
            }
        }
    }
    if let Some(connections) =
        of("floor").and_then(|(_, samples)| most(samples.get(AUTHORIZER)?, |sample| sample.connections))
    {
        let _ = writeln!(
            text,
            "| connections that a process opens, at most | 1 | {connections} | {} |",
            holds(connections <= 1.0)
        );
    }
    for (series, samples) in measured {
        let worst = TOLD
            .into_iter()
            .filter_map(|metric| Ratio::of(samples, CONTROL, AUTHORIZER, metric))
            .map(|ratio| ratio.median)
            .max_by(|one, other| (one - 1.0).abs().total_cmp(&(other - 1.0).abs()));
        if let Some(worst) = worst {
            let _ = writeln!(
                text,
                "| control: the same binary twice in `{}`, the number furthest from 1 | 0.90 to 1.10 | {worst:.3} | {} |",
                series.name,
                holds((worst - 1.0).abs() <= CONTROL_WITHIN)
            );
        }
    }
}

fn table(text: &mut String, series: &Series, samples: &Samples) {
    let rounds = samples.values().map(Vec::len).max().unwrap_or(0);
    let _ = writeln!(
        text,
        "\n### {}\n\nMedians of {rounds} rounds.\n\n| |{}",
        series.title,
        COLUMNS.map(|(head, ..)| format!(" {head} |")).concat()
    );
    let _ = writeln!(text, "|---|{}", "---|".repeat(COLUMNS.len()));
    for Entry { subject, .. } in &series.subjects {
        let Some(samples) = samples.get(subject.name) else { continue };
        let cells = COLUMNS.map(|(_, metric, unit, decimals)| {
            format!(" {:.decimals$} |", quantile(samples.iter().map(metric).collect(), 0.5) / unit)
        });
        let _ = writeln!(text, "| {} |{}", subject.name, cells.concat());
    }
    let heads = COLUMNS.map(|(head, ..)| format!(" {} |", head.split(", ").next().unwrap_or(head)));
    let _ = writeln!(text, "\nAs ratios, the median of the rounds' own:\n\n| | of |{}", heads.concat());
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(COLUMNS.len()));
    for Entry { subject, against } in series.subjects.iter().filter(|entry| entry.subject.name != entry.against) {
        let cells = COLUMNS.map(|(_, metric, ..)| match Ratio::of(samples, subject.name, against, metric) {
            Some(ratio) => format!(" {:.2} |", ratio.median),
            None => " |".to_owned(),
        });
        let _ = writeln!(text, "| {} | {against} |{}", subject.name, cells.concat());
    }
}

/// The median and quartiles of the ratios of two subjects within each round.
struct Ratio {
    lower: f64,
    median: f64,
    upper: f64,
}

impl Ratio {
    fn of(samples: &Samples, subject: &str, against: &str, metric: Metric) -> Option<Self> {
        let pairs = samples.get(subject)?.iter().zip(samples.get(against)?);
        let ratios: Vec<f64> = pairs.map(|(one, other)| metric(one) / metric(other)).collect();
        let at = |place| quantile(ratios.clone(), place);
        Some(Self { lower: at(0.25), median: at(0.5), upper: at(0.75) })
    }

    /// The number of decimals: more for small ratios.
    fn decimals(&self) -> usize {
        if self.median < 0.1 { 3 } else { 2 }
    }

    fn told(&self) -> String {
        let decimals = self.decimals();
        format!("{:.decimals$}", self.median)
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = self.decimals();
        write!(f, "{} ({:.decimals$} to {:.decimals$})", self.told(), self.lower, self.upper)
    }
}

fn most(samples: &[Sample], metric: Metric) -> Option<f64> {
    samples.iter().map(metric).max_by(f64::total_cmp)
}

fn quantile(mut numbers: Vec<f64>, place: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().saturating_sub(1) as f64;
    numbers.get((last * place).round() as usize).copied().unwrap_or(f64::NAN)
}

fn holds(condition: bool) -> &'static str {
    if condition { "holds" } else { "**does not hold**" }
}
