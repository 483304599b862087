//! The release for users without Rust, and its size.

use std::fs;
use std::path::Path;

use crate::build::build;
use crate::manifest::Manifest;
use crate::run::{Outcome, command, output, root, run, target_dir};
use crate::{NAME, reproducible, serverlessrepo, signature};

/// The template for the AWS Serverless Application Repository.
const SERVERLESSREPO: &str = "template-serverlessrepo.yaml";

/// What a release's template deploys for `ConfigurationFile`, until the zip is replaced.
const CONFIGURATION: &str = r#"{
  "issuers": [ { "issuer": "https://tenant.example.com/", "audience": "https://api.example.com" } ],
  "routes": [ { "method": "GET", "path": "/movies", "scopes": "read:movies" } ]
}
"#;

/// What lies beside the programs: licences that go with every copy, and what the template for the application repository names.
const DOCUMENTS: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

pub fn task(arguments: &[String]) -> Outcome {
    let both = ["arm64".to_owned(), "x86_64".to_owned()];
    let (check, named) = match arguments {
        [first, rest @ ..] if first == "--check" => (true, rest),
        _ => (false, arguments),
    };
    let architectures = if named.is_empty() { &both } else { named };
    if check { reproducible::check(architectures) } else { release(architectures) }
}

fn release(architectures: &[String]) -> Outcome {
    let files = target_dir().join("release-files");
    if files.exists() {
        fs::remove_dir_all(&files)?;
    }
    fs::create_dir_all(&files)?;
    let date = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(date) => date,
        Err(_) => String::from_utf8(output(command("git").args(["log", "-1", "--format=%ct"]))?)?.trim().to_owned(),
    };
    for architecture in architectures {
        let target = match architecture.as_str() {
            "arm64" => "aarch64-unknown-linux-musl".to_owned(),
            "x86_64" => "x86_64-unknown-linux-musl".to_owned(),
            _ => return Err(format!("no such architecture: {architecture}").into()),
        };
        let zipped = format!("{NAME}-{architecture}.zip");
        zip(&build(Some(&target), None, Some(&date))?, &files.join(&zipped), "bootstrap")?;
        fs::write(files.join(format!("template-{architecture}.yaml")), template(architecture, &zipped)?)?;
        let bill = output(command(root().join("scripts/sbom")).arg(&target))?;
        fs::write(files.join(format!("{NAME}-{architecture}.cdx.json")), bill)?;
    }
    let configuration = target_dir().join("authorizer.json");
    fs::write(&configuration, CONFIGURATION)?;
    zip(&configuration, &files.join("configuration.zip"), "authorizer.json")?;
    fs::remove_file(configuration)?;
    for document in DOCUMENTS {
        fs::write(files.join(document), fs::read(root().join(document))?)?;
    }
    let without = for_serverlessrepo(&files)?;
    let sums = signature::sums(&files)?;
    fs::write(files.join("SHA256SUMS"), &sums)?;
    print!("{sums}");
    if let Some(without) = without {
        eprintln!("no {SERVERLESSREPO}: {without}");
    }
    eprintln!("not signed: `cargo xtask sign KEY` signs SHA256SUMS");
    Ok(())
}

/// Makes the template for the AWS Serverless Application Repository from that for arm64, or says why there is none.
fn for_serverlessrepo(files: &Path) -> Outcome<Option<String>> {
    let package = Manifest::read()?;
    let missing = serverlessrepo::missing(&package);
    if !missing.is_empty() {
        return Ok(Some(format!("Cargo.toml has no {}", missing.join(" and no "))));
    }
    let Ok(template) = fs::read_to_string(files.join("template-arm64.yaml")) else {
        return Ok(Some("it is for arm64".to_owned()));
    };
    let template = serverlessrepo::template(&template, &package)?;
    let faults = serverlessrepo::faults(&template, files);
    if !faults.is_empty() {
        return Err(format!(
            "the AWS Serverless Application Repository would refuse the template: {}",
            faults.join("; ")
        )
        .into());
    }
    fs::write(files.join(SERVERLESSREPO), &template)?;
    eprintln!("{SERVERLESSREPO} needs {}", serverlessrepo::capabilities(&template).join(", "));
    Ok(None)
}

/// The repository's template, with the packaged function in place of the source.
pub fn template(architecture: &str, zipped: &str) -> Outcome<String> {
    let mut text = fs::read_to_string(root().join("template.yaml"))?;
    let build =
        format!("    Metadata:\n      BuildMethod: rust-cargolambda\n      BuildProperties:\n        Binary: {NAME}\n");
    let changes = [
        (build.as_str(), String::new()),
        ("      CodeUri: .\n", format!("      CodeUri: {zipped}\n")),
        ("      Architectures: [arm64]\n", format!("      Architectures: [{architecture}]\n")),
        ("      ContentUri: layer\n", "      ContentUri: configuration.zip\n".to_owned()),
    ];
    for (old, new) in changes {
        if text.matches(old).count() != 1 {
            return Err(format!("template.yaml no longer has once:\n{old}").into());
        }
        text = text.replace(old, &new);
    }
    Ok(text)
}

pub fn size(arguments: &[String]) -> Outcome {
    let zipped = target_dir().join("size.zip");
    let libraries = "libraries".to_owned();
    for (what, example) in [("the authorizer", None), ("its libraries", Some(&libraries))] {
        zip(&build(arguments.first(), example, None)?, &zipped, "bootstrap")?;
        println!("{what:15} {:>9} bytes", fs::metadata(&zipped)?.len());
    }
    Ok(fs::remove_file(zipped)?)
}

/// Zips a file, under this name.
fn zip(file: &Path, zipped: &Path, name: &str) -> Outcome {
    run(command("python3").arg("-B").arg(root().join("xtask/zip.py")).arg(file).arg(zipped).arg(name))
}
