//! The real program under a Lambda Runtime API, and on a desk: the bytes that come back.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod init;
#[cfg(test)]
mod world;

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "the tests that use the rest of it follow")]
#[path = "../support/mod.rs"]
mod support;
