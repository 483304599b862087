//! The real program under a Lambda Runtime API, and run locally: the bytes that come back.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod concurrency;
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
mod world;

#[cfg(test)]
#[expect(dead_code, reason = "some of it is for the other end-to-end tests")]
#[path = "../support/mod.rs"]
mod support;
