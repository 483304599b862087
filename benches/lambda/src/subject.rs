//! One process under test, from its start to its end.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use serde_json::Value;

use crate::api::{Api, Asked, Request};
use crate::awake::Awake;
use crate::material::Event;

/// The size of the pipe for a process's log, so that it need not be read during the measurement.
const LOG_BYTES: i32 = 1 << 20;

/// A subject of the bench.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) command: Vec<PathBuf>,
    pub(crate) directory: PathBuf,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// The events, sent in turn.
    pub(crate) events: Vec<Event>,
    pub(crate) answer: Answer,
    pub(crate) calls: Calls,
}

/// The expected effect of every answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Allow,
    Deny,
}

/// The numbers of warm-up calls and of measured calls.
#[derive(Clone, Copy)]
pub(crate) struct Calls {
    pub(crate) before: usize,
    pub(crate) measured: usize,
}

/// The numbers of one process. Times are in microseconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sample {
    /// From the start of the process to its first poll.
    pub(crate) poll: f64,
    /// From the start of the process to its first answer.
    pub(crate) first: f64,
    /// The CPU time used until the second poll.
    pub(crate) cold_cpu: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) cpu: f64,
    /// The highest resident set, in KiB.
    pub(crate) memory: f64,
    pub(crate) connections: f64,
}

/// The purpose of a process.
#[derive(Clone, Copy)]
enum Purpose {
    /// To measure its start.
    Start,
    Measure,
}

/// The CPUs of the server and of the process under test, which are different if there are two.
pub(crate) struct Cpus {
    server: usize,
    subject: usize,
    awake: Awake,
}

impl Cpus {
    /// Chooses the first and the last CPU that this process may use.
    pub(crate) fn find() -> io::Result<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let mut cpus = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu) == Ok(true));
        let server = cpus.next().ok_or_else(|| io::Error::other("no CPU"))?;
        let subject = cpus.next_back().unwrap_or(server);
        Ok(Self { server, subject, awake: Awake::start([server, subject], Self::pin)? })
    }

    fn pin(cpu: usize) -> io::Result<()> {
        let mut set = CpuSet::new();
        set.set(cpu)?;
        Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
    }
}

impl Subject {
    /// Starts the process, calls it, and stops it.
    pub(crate) fn measure(&self, api: &mut Api, cpus: &Cpus) -> io::Result<Sample> {
        // The first start is not measured. It leaves the caches in the same state whatever ran before.
        let sample = self.run(api, cpus, Purpose::Start).and_then(|_| self.run(api, cpus, Purpose::Measure));
        sample.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.name)))
    }

    fn run(&self, api: &mut Api, cpus: &Cpus, purpose: Purpose) -> io::Result<Sample> {
        let (mut log, writer) = io::pipe()?;
        fcntl(&log, FcntlArg::F_SETPIPE_SZ(LOG_BYTES))?;
        fcntl(&log, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .current_dir(&self.directory)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address()?.to_string())
            .env("LAMBDA_TASK_ROOT", &self.directory)
            .envs([
                ("PATH", "/usr/bin:/bin"),
                ("AWS_LAMBDA_FUNCTION_NAME", "authorizer"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/authorizer"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "1"),
                ("AWS_REGION", "eu-west-1"),
                // As in the template.
                ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
                ("_HANDLER", "handler.handler"),
            ])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);

        // The process inherits the CPU of the thread that starts it.
        Cpus::pin(cpus.subject)?;
        let began = Instant::now();
        let child = command.spawn();
        Cpus::pin(cpus.server)?;
        drop(command);
        let mut process = Process(child?);
        let sample = match purpose {
            Purpose::Start => api.request().and_then(expect_poll).map(|_| Sample::default()),
            Purpose::Measure => self.calls(api, cpus, &process, began),
        };
        process.stop();
        let connections = api.hang_up();
        let mut logged = Vec::new();
        let _ = log.read_to_end(&mut logged);
        match sample {
            Ok(sample) => Ok(Sample { connections: connections as f64, ..sample }),
            Err(error) => Err(io::Error::other(format!("{error}\n{}", String::from_utf8_lossy(&logged)))),
        }
    }

    fn calls(&self, api: &mut Api, cpus: &Cpus, process: &Process, began: Instant) -> io::Result<Sample> {
        let clock = process.cpu_clock()?;
        let cpu = || clock_gettime(clock).map(|time| micros(Duration::from(time)));
        let mut events = self.events.iter().cycle();
        let mut call = |api: &mut Api, poll: &Request, checked: bool| -> io::Result<(f64, Instant, Request)> {
            let event = events.next().ok_or_else(|| io::Error::other("no events"))?;
            let sent = api.invoke(poll, &event.body)?;
            let answered = api.request()?;
            if checked {
                self.check(event, &answered.asked)?;
            }
            api.accept(&answered)?;
            Ok((micros(answered.at.duration_since(sent)), answered.at, expect_poll(api.request()?)?))
        };

        let poll = expect_poll(api.request()?)?;
        let polled = micros(poll.at.duration_since(began));
        let (_, answered, mut poll) = call(api, &poll, true)?;
        let cold_cpu = cpu()?;
        let (mut latencies, used) = cpus.awake.during(|| {
            for _ in 0..self.calls.before {
                (_, _, poll) = call(api, &poll, true)?;
            }
            let mut latencies = Vec::with_capacity(self.calls.measured);
            let before = cpu()?;
            for _ in 0..self.calls.measured {
                let (latency, _, next) = call(api, &poll, false)?;
                latencies.push(latency);
                poll = next;
            }
            Ok((latencies, cpu()? - before))
        })?;
        latencies.sort_by(f64::total_cmp);
        Ok(Sample {
            poll: polled,
            first: micros(answered.duration_since(began)),
            cold_cpu,
            p50: latencies[latencies.len() / 2],
            p99: latencies[latencies.len() * 99 / 100],
            cpu: used / self.calls.measured as f64,
            memory: process.peak_memory()?,
            connections: 0.0,
        })
    }

    /// Fails on a wrong answer: a fast wrong answer is not worth measuring.
    fn check(&self, event: &Event, asked: &Asked) -> io::Result<()> {
        let Asked::Response(body) = asked else {
            return Err(io::Error::other("an error for an answer"));
        };
        let policy: Value = serde_json::from_slice(body)?;
        let statements = &policy["policyDocument"]["Statement"];
        let statements = statements.as_array().map_or(std::slice::from_ref(statements), Vec::as_slice);
        let names = |statement: &Value| {
            let resource = &statement["Resource"];
            let resources = resource.as_array().map_or(std::slice::from_ref(resource), Vec::as_slice);
            resources.iter().any(|resource| *resource == event.arn || *resource == event.stage)
        };
        let says = |effect| statements.iter().any(|statement| statement["Effect"] == effect && names(statement));
        let found = match (says("Allow"), says("Deny")) {
            (true, false) => Answer::Allow,
            (false, true) => Answer::Deny,
            _ => return Err(io::Error::other("a policy that does not speak of the request")),
        };
        if found == self.answer { Ok(()) } else { Err(io::Error::other("the wrong answer")) }
    }
}

fn expect_poll(request: Request) -> io::Result<Request> {
    match request.asked {
        Asked::Next => Ok(request),
        Asked::Response(body) | Asked::Error(body) => {
            Err(io::Error::other(format!("not a poll: {}", String::from_utf8_lossy(&body))))
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

struct Process(Child);

impl Process {
    /// The clock of the user and system time of all threads, including ended ones.
    fn cpu_clock(&self) -> io::Result<ClockId> {
        Ok(clock_getcpuclockid(Pid::from_raw(self.0.id() as i32))?)
    }

    fn peak_memory(&self) -> io::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak.ok_or_else(|| io::Error::other("no VmHWM"))
    }

    fn stop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills the process, so that it does not outlive its measurement.
impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}
