//! The real program under faults: a Runtime API and identity providers that fail, hostile events, clocks that jump, freezes,
//! signals, and a long run. What needs `/proc` or libfaketime is for Linux.

#[cfg(test)]
#[cfg(target_os = "linux")]
mod clocks;
#[cfg(test)]
mod events;
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

#[cfg(test)]
#[expect(dead_code, reason = "some of it is for the tests it was made for")]
#[path = "../lambda/world.rs"]
mod world;
