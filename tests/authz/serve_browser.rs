//! `authz serve --demo` in a browser: the app of `examples/spa`, driven by `tests/browser` with Debian's Chromium. Without Node.js or
//! Chromium these tests are skipped with a message, except in CI.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::serve::Gateway;

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");
const APP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/spa");

/// npm fills a folder once, also if two tests want it.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Whether this machine has what the test needs; in CI it has to.
fn is_equipped(folder: &str, with_browser: bool) -> bool {
    let lacks = || -> Result<(), String> {
        let recent =
            "const [a, b] = process.versions.node.split('.'); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)";
        if !runs(Command::new("node").args(["-e", recent])) {
            return Err("Node.js 20.19 or later is not installed".to_owned());
        }
        if with_browser && !chromium().exists() {
            return Err(format!("{} is not installed", chromium().display()));
        }
        let _alone = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // npm writes a lock file of its own when it has installed everything.
        let written = |file: &str| std::fs::metadata(Path::new(folder).join(file)).and_then(|file| file.modified());
        let needed = written("package-lock.json").unwrap();
        if written("node_modules/.package-lock.json").is_ok_and(|installed| installed >= needed) {
            return Ok(());
        }
        let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        if !runs(Command::new("npm").args(install).current_dir(folder)) {
            return Err(format!("npm could not install the packages of {folder}"));
        }
        Ok(())
    };
    match lacks() {
        Ok(()) => true,
        Err(why) => {
            assert!(std::env::var_os("CI").is_none(), "{why}");
            // `eprintln!` is captured in a test that passes; this is not.
            let mut shown = std::io::stderr();
            writeln!(shown, "\nskipped: {why}").unwrap();
            false
        }
    }
}

fn chromium() -> PathBuf {
    std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from)
}

fn runs(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a script of `tests/browser` against a gateway.
#[track_caller]
fn told(script: &str, arguments: &[&str]) {
    if !is_equipped(TESTS, true) {
        return;
    }
    let gateway = Gateway::start(&[&["--demo"], arguments].concat());
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser").join(script);
    let ran = Command::new("node")
        .arg(Path::new(TESTS).join(script).with_extension("mjs"))
        .arg(format!("http://127.0.0.1:{}", gateway.port))
        .arg(&pictures)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    println!("{said}");
    assert!(ran.status.success(), "{said}");
    let steps = said.lines().filter(|line| line.starts_with("ok ")).count();
    let written = std::fs::read_to_string(Path::new(TESTS).join(script).with_extension("mjs")).unwrap();
    assert_eq!(steps, written.matches("await step(").count(), "every step was taken: {said}");
    assert!(!pictures.exists(), "the pictures of a run that passes are not kept");
}

#[test]
fn the_stories_are_lived_in_a_browser() {
    told("serve", &[]);
}

#[test]
fn tokens_expire_and_an_outage_passes_in_a_browser() {
    told("expiry", &["--token-seconds", "2", "--cache-seconds", "0"]);
}

#[test]
fn the_app_that_comes_with_the_program_is_built_from_its_sources() {
    if !is_equipped(APP, false) {
        return;
    }
    let built = crate::serve::folder("app");
    let run = Command::new("npm")
        .args(["run", "embed"])
        .current_dir(APP)
        .env("SPA_OUT_DIR", &built)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/authz/serve/app/built");
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&built), ["app.css", "app.js", "index.html"]);
    assert_eq!(names(&stored), names(&built));
    for name in names(&built) {
        let [fresh, stored] = [&built, &stored].map(|folder| std::fs::read_to_string(folder.join(&name)).unwrap());
        assert!(fresh == stored, "{name} differs: `npm run embed` in examples/spa writes it");
    }
}
