//! What a process holds and has spent, as read from `/proc`.

use std::fmt;
use std::path::Path;

/// The clock ticks in a second (`USER_HZ`, the same on every Linux).
const TICKS: u64 = 100;

/// The resources that the program uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    pub(super) resident_kb: u64,
    pub(super) descriptors: usize,
    pub(super) threads: u64,
}

/// A measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) answered: u64,
    pub(super) holds: Holds,
    /// The processor time so far.
    pub(super) cpu_ms: u64,
}

impl Look {
    pub(super) fn at(folder: &Path, answered: u64) -> Self {
        let status = std::fs::read_to_string(folder.join("status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
        };
        let descriptors = std::fs::read_dir(folder.join("fd")).unwrap().count();
        let holds = Holds { resident_kb: number("VmRSS"), descriptors, threads: number("Threads") };
        let stat = std::fs::read_to_string(folder.join("stat")).unwrap();
        // After the name in brackets: the 12th and 13th are the time in user mode and in the kernel.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Self { answered, holds, cpu_ms: ticks * 1000 / TICKS }
    }
}

impl Holds {
    pub(super) fn most(looks: &[Look]) -> Self {
        looks.iter().fold(Self::default(), |most, look| Self {
            resident_kb: most.resident_kb.max(look.holds.resident_kb),
            descriptors: most.descriptors.max(look.holds.descriptors),
            threads: most.threads.max(look.holds.threads),
        })
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB resident, {} descriptors, {} threads", self.resident_kb, self.descriptors, self.threads)
    }
}

/// The processor time of an invocation in microseconds, in each tenth of a run.
pub(super) fn cost_by_tenths(looks: &[Look]) -> Vec<u64> {
    let Some(last) = looks.last() else { return Vec::new() };
    let at = |tenth: u64| looks.iter().rfind(|look| look.answered <= (last.answered * tenth / 10).max(1));
    let between = |tenth: u64| {
        let (from, to) = (at(tenth)?, at(tenth + 1)?);
        ((to.cpu_ms - from.cpu_ms) * 1000).checked_div(to.answered - from.answered)
    };
    (0..10).filter_map(between).collect()
}
