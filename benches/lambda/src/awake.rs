//! Keeps the CPUs awake while calls are measured.
//!
//! An idle CPU of a virtual machine sleeps, and must be woken for each request and each answer. That costs every
//! process about ten microseconds a call, but less in the first tens of milliseconds after its start, because the
//! kernel then keeps the clock tick of the sleeping CPU. So a process with a long start would look slower.

use std::hint::black_box;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getppid};

/// The argument that makes this program keep a CPU busy.
pub(crate) const SPIN: &str = "spin";

/// A process of the lowest priority (`SCHED_IDLE`) for each CPU, stopped except while calls are measured.
pub(crate) struct Awake(Vec<Child>);

impl Awake {
    /// Starts the processes, if `chrt` is installed; `pin` chooses the CPU of the next one.
    pub(crate) fn start(cpus: [usize; 2], pin: impl Fn(usize) -> io::Result<()>) -> io::Result<Self> {
        let mut awake = Self(Vec::new());
        for cpu in cpus {
            pin(cpu)?;
            let mut command = Command::new("chrt");
            command.args(["-i", "0"]).arg(std::env::current_exe()?).arg(SPIN).stdin(Stdio::null());
            match command.spawn() {
                Ok(child) => awake.0.push(child),
                Err(error) => eprintln!("CPUs may go to sleep, for chrt cannot be run: {error}"),
            }
        }
        // Give `chrt` time to set the priority before the processes are stopped.
        std::thread::sleep(Duration::from_millis(100));
        awake.signal(Signal::SIGSTOP)?;
        Ok(awake)
    }

    /// Keeps the CPUs busy while `work` runs.
    pub(crate) fn during<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.signal(Signal::SIGCONT)?;
        let done = work();
        self.signal(Signal::SIGSTOP)?;
        done
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        self.0.iter().try_for_each(|child| Ok(kill(Pid::from_raw(child.id() as i32), signal)?))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Keeps a CPU busy until the parent process ends.
pub(crate) fn spin() {
    let parent = getppid();
    while getppid() == parent {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(10) {
            black_box((0..10_000).fold(0_u64, |sum, number| black_box(sum ^ number)));
        }
    }
}
