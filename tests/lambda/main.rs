//! The real program under a Lambda Runtime API, and run locally: the bytes that come back. And what it does under faults: a Runtime
//! API and identity providers that fail, hostile events, clocks that jump, freezes, signals, and a long run. What needs `/proc` or
//! libfaketime is for Linux.

#[cfg(test)]
mod answers;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod clocks;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod events;
#[cfg(test)]
mod fetches;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod init;
#[cfg(test)]
mod key_sets;
#[cfg(test)]
mod local;
#[cfg(test)]
mod logs;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod processes;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod runtime_api;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod soak;

#[cfg(test)]
#[expect(dead_code, reason = "some of it is for the other end-to-end tests")]
#[path = "../support/mod.rs"]
mod support;
