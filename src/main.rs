//! The authorizer's binary.
fn main() {}
