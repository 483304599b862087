//! Notes when the program was built: a clock that shows less is wrong.

use std::time::SystemTime;

#[expect(clippy::disallowed_methods, reason = "a build script reads its environment")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // Reproducible builds set the time themselves (https://reproducible-builds.org/docs/source-date-epoch/).
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse::<u64>().ok());
    let now = || SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    println!("cargo:rustc-env=BUILT_UNIX_SECONDS={}", given.unwrap_or_else(now));
}
