//! The task runner: `cargo xtask --help` lists what there is. Standard library only, so that it builds in a second.

mod build;
mod manifest;
mod notes;
mod release;
mod reproducible;
mod run;
mod serverlessrepo;
mod signature;
mod tools;

use std::process::ExitCode;

use build::build;
use run::{Outcome, command, root, target_dir};
use tools::Tool;

const NAME: &str = "apigw-jwt-authorizer";

/// A task: its name, its arguments, a summary, details, and the function.
struct Task {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    details: &'static str,
    run: fn(&[String]) -> Outcome,
}

const TASKS: [Task; 16] = [
    Task {
        name: "ci",
        arguments: "",
        about: "run what a change has to pass",
        details: "Calls .ci/run, which calls .ci/full when that is due.",
        run: |arguments| script(".ci/run", arguments),
    },
    Task {
        name: "full",
        arguments: "",
        about: "run the checks that take long, and record the commit they passed on",
        details: "Calls .ci/full, which writes .ci/full-passed. Commit that file.",
        run: |arguments| script(".ci/full", arguments),
    },
    Task {
        name: "build",
        arguments: "[TARGET] [EXAMPLE]",
        about: "build the binary of a release and print its path",
        details: "\
TARGET is this machine's musl target by default. The binary is linked statically: it runs on provided.al2 and
provided.al2023. Uses the installed cargo-lambda, or else the one of the deployment test. An EXAMPLE is built in the
same way in place of the binary.

    cargo xtask build aarch64-unknown-linux-musl",
        run: |arguments| {
            println!("{}", build(arguments.first(), arguments.get(1), None)?.display());
            Ok(())
        },
    },
    Task {
        name: "release",
        arguments: "[--check] [arm64] [x86_64]",
        about: "make the files of a release, or check that they are made twice alike",
        details: "\
For each architecture (both by default): a zip, a template that deploys it, and its bill of materials; the zip of a
configuration, licences, a template for the AWS Serverless Application Repository, and SHA256SUMS. All of it is in
target/release-files, and not signed. Needs git, python3 and sha256sum.

The same commit makes the same bytes with the same tools. `--check` makes the release of HEAD in two clones at different
paths, with different folders for Cargo and Zig, and compares all files. It takes as long as four builds.",
        run: release::task,
    },
    Task {
        name: "sign",
        arguments: "KEY",
        about: "sign the checksums of a release",
        details: "\
KEY is the private key of a line of `release-signers`. Makes target/release-files/SHA256SUMS.sig, unless a checksum is wrong
or users could not verify it. Needs OpenSSH 8.1 or later. See docs/release.md.",
        run: signature::task,
    },
    Task {
        name: "release-notes",
        arguments: "TAG",
        about: "print the notes of a release",
        details: "\
Its section of CHANGELOG.md, and whether the files in target/release-files are signed. Fails if the TAG is not that of
the version in Cargo.toml, or the changelog has no section for it.",
        run: notes::task,
    },
    Task {
        name: "size",
        arguments: "[TARGET]",
        about: "print the size of the zip of a release, and of its libraries alone",
        details: "The libraries alone are benches/size/libraries.rs. Needs python3.",
        run: release::size,
    },
    Task {
        name: "soak",
        arguments: "[INVOCATIONS]",
        about: "run the binary of a release through ten million invocations",
        details: "\
Of every kind, half of them one at a time and half of them sixteen at once, with keys that rotate, tokens that are revoked
and outages. Fails if an answer is wrong or changes, or if memory, descriptors or threads grow. Takes about an hour with
two processors to itself, and prints a line every 30 seconds. Linux only.

    cargo xtask soak 1000000",
        run: soak,
    },
    Task {
        name: "deploy-test",
        arguments: "[PART...]",
        about: "deploy the template to a local AWS and drive the sample API",
        details: "\
Needs Rust by rustup, a C compiler, git, python3 with venv, readelf and, for the arm64 binary on another machine,
qemu-aarch64; SAM, cargo-lambda, Zig and the local AWS come from PyPI. Some parts need Node.js, and one Chromium. Needs
no AWS account. Without a PART all of them run, in about 15 minutes:

    cargo xtask deploy-test -- --help       lists the parts
    cargo xtask deploy-test keys document   runs two of them",
        run: |arguments| {
            let emulator: &[Tool] = if cfg!(target_arch = "aarch64") { &[] } else { &[("qemu-aarch64", "qemu-user")] };
            deployment("tests/deploy/run.py", &[&[("readelf", "binutils")], emulator].concat(), arguments)
        },
    },
    Task {
        name: "check-on-aws",
        arguments: "[TEMPLATE]",
        about: "check the assumptions about API Gateway with your AWS account",
        details: "\
Deploys a small probe and the sample API, prints what holds, and deletes what it deployed, except for SAM's bucket.
Takes the credentials of your environment, and the TEMPLATE of a release, or builds the one here.

    AWS_REGION=eu-west-1 cargo xtask check-on-aws",
        run: |arguments| deployment("tests/deploy/check_on_aws.py", &[], arguments),
    },
    Task {
        name: "corpus",
        arguments: "unpack|pack",
        about: "unpack the corpora of the fuzz targets, or pack them again",
        details: "\
They are in fuzz/corpus.tar.xz. `unpack` replaces fuzz/corpus. `pack` writes the same bytes for the same files. Needs
GNU tar and xz.",
        run: corpus,
    },
    Task {
        name: "fuzz",
        arguments: "TARGET|all SECONDS",
        about: "run a fuzz target, and merge what it finds into its corpus",
        details: "Calls scripts/fuzz. See docs/fuzzing.md.",
        run: |arguments| script("scripts/fuzz", arguments),
    },
    Task {
        name: "instructions",
        arguments: "[--update] [--only PART] [BINARY]",
        about: "count instructions under valgrind and compare them with the baseline",
        details: "Calls scripts/instructions, which has a --help of its own: cargo xtask instructions -- --help",
        run: |arguments| script("scripts/instructions", arguments),
    },
    Task {
        name: "mutants",
        arguments: "[STAGE...]",
        about: "run the mutation tests",
        details: "Calls scripts/mutants. Takes hours. See docs/assurance-mutants.md.",
        run: |arguments| script("scripts/mutants", arguments),
    },
    Task {
        name: "sbom",
        arguments: "[TARGET]",
        about: "print the bill of materials (CycloneDX 1.5)",
        details: "Calls scripts/sbom. Needs python3.",
        run: |arguments| script("scripts/sbom", arguments),
    },
    Task {
        name: "supply-chain",
        arguments: "",
        about: "check the dependencies against deny.toml",
        details: "Calls scripts/supply-chain. Needs python3.",
        run: |arguments| script("scripts/supply-chain", arguments),
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let asked = arguments.next();
    let mut rest: Vec<String> = arguments.collect();
    let Some(asked) = asked.filter(|asked| !matches!(asked.as_str(), "--help" | "-h" | "help")) else {
        print!("{}", help());
        return ExitCode::SUCCESS;
    };
    let Some(task) = TASKS.iter().find(|task| task.name == asked) else {
        eprint!("no such task: {asked}\n\n{}", help());
        return ExitCode::from(2);
    };
    if rest.first().is_some_and(|first| matches!(first.as_str(), "--help" | "-h")) {
        println!("cargo xtask {} {}\n\n{}: {}.\n\n{}", task.name, task.arguments, task.name, task.about, task.details);
        return ExitCode::SUCCESS;
    }
    if rest.first().is_some_and(|first| first == "--") {
        rest.remove(0);
    }
    match (task.run)(&rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask {}: {error}", task.name);
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = "usage: cargo xtask TASK [ARGUMENTS]\n       cargo xtask TASK --help\n\n".to_owned();
    for task in &TASKS {
        text.push_str(&format!("  {:13} {}\n", task.name, task.about));
    }
    text
}

fn script(path: &str, arguments: &[String]) -> Outcome {
    run::run(command(root().join(path)).args(arguments))
}

/// Runs a program of the deployment test with the tools it brings.
fn deployment(program: &str, needed: &[Tool], arguments: &[String]) -> Outcome {
    let help = arguments.iter().any(|argument| matches!(argument.as_str(), "--help" | "-h"));
    tools::needed(if help { &[] } else { needed })?;
    // SAM takes what it builds from `target`, whatever this says.
    if target_dir() != root().join("target") {
        return Err("unset CARGO_TARGET_DIR: SAM looks for what it builds in the folder `target`".into());
    }
    run::run(command(root().join("tests/deploy/tools")).args(["python", "-B", program]).args(arguments))
}

fn soak(arguments: &[String]) -> Outcome {
    let binary = build(None, None, None)?;
    let invocations = arguments.first().map_or("10000000", String::as_str);
    run::run(
        command("cargo")
            .args(["test", "--locked", "--all-features", "--test", "lambda", "soak", "--", "--nocapture"])
            .env("TEST_PROGRAM", binary)
            .env("SOAK_INVOCATIONS", invocations),
    )
}

fn corpus(arguments: &[String]) -> Outcome {
    let fuzz = root().join("fuzz");
    match arguments.first().map(String::as_str) {
        Some("unpack") => {
            let corpus = fuzz.join("corpus");
            if corpus.exists() {
                std::fs::remove_dir_all(corpus)?;
            }
            run::run(command("tar").arg("-C").arg(&fuzz).arg("-xJf").arg(fuzz.join("corpus.tar.xz")))
        }
        Some("pack") => run::run(
            command("tar")
                .args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"])
                .args(["--mode=u=rwX,go=rX", "--format=ustar", "--use-compress-program=xz -9e", "-C"])
                .arg(&fuzz)
                .arg("-cf")
                .arg(fuzz.join("corpus.tar.xz"))
                .arg("corpus"),
        ),
        _ => Err("`unpack` or `pack` is expected".into()),
    }
}
