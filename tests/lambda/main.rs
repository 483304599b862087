//! The real program, under a Lambda Runtime API and run locally. Covers its exact answers and its behaviour under
//! faults: a failing Runtime API, failing identity providers, hostile events, jumping clocks, freezes, signals, and a
//! long run. Tests that need `/proc` or libfaketime run on Linux only.

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
#[cfg(all(feature = "authz", target_os = "linux"))]
mod incidents;
#[cfg(test)]
mod init;
#[cfg(test)]
mod introspection;
#[cfg(test)]
mod key_sets;
#[cfg(test)]
mod local;
#[cfg(test)]
mod logs;
// The reader of YAML is that of `authz`.
#[cfg(test)]
#[cfg(all(feature = "authz", target_os = "linux"))]
mod observability;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod processes;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod runtime_api;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod soak;

#[cfg(test)]
#[expect(dead_code, reason = "other end-to-end tests use the rest")]
#[path = "../support/mod.rs"]
mod support;
