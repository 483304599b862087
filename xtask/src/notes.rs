//! The notes of a release: its section of the changelog, and whether it is signed.

use std::fs;

use crate::manifest::Manifest;
use crate::run::{Outcome, root, target_dir};
use crate::signature::SIGNATURE;

pub fn task(arguments: &[String]) -> Outcome {
    let [tag] = arguments else { return Err("one TAG is expected, such as v0.1.0".into()) };
    let read = |name: &str| fs::read_to_string(root().join(name));
    let signed = target_dir().join("release-files").join(SIGNATURE).is_file();
    print!("{}", notes(tag, &Manifest::read()?, &read("CHANGELOG.md")?, signed)?);
    Ok(())
}

/// The notes for a tag, which has to be that of the version in `Cargo.toml`.
fn notes(tag: &str, package: &Manifest, changelog: &str, signed: bool) -> Outcome<String> {
    let version = package.version()?;
    if tag.strip_prefix('v') != Some(version) {
        return Err(format!("the tag is {tag}, and Cargo.toml has the version {version}").into());
    }
    let heading = format!("## [{version}] - ");
    let section = changelog.split("\n## ").find(|section| format!("## {section}").starts_with(&heading));
    let section = section.ok_or_else(|| format!("CHANGELOG.md has no section `{heading}DATE`"))?;
    let body = section.split_once('\n').map_or("", |(_, body)| body).trim();
    if body.is_empty() {
        return Err(format!("CHANGELOG.md says nothing under `{heading}DATE`").into());
    }
    let signature = if signed {
        "SHA256SUMS is signed. docs/release.md says how to verify it and the files."
    } else {
        "**This release is not signed.** SHA256SUMS finds damage, and not what somebody put in place of a file."
    };
    Ok(format!("{body}\n\n{signature}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "\
# Changelog

## [Unreleased]
- Not yet.

## [1.2.0] - 2026-01-02
### Added
- A thing.

## [1.1.0] - 2026-01-01
";

    fn of(tag: &str, version: &str, signed: bool) -> Result<String, String> {
        let package = Manifest::new(&format!("[package]\nversion = \"{version}\"\n"));
        notes(tag, &package, CHANGELOG, signed).map_err(|error| error.to_string())
    }

    #[test]
    fn the_notes_are_the_section_of_the_version_and_say_whether_it_is_signed() {
        let unsigned = "\
### Added
- A thing.

**This release is not signed.** SHA256SUMS finds damage, and not what somebody put in place of a file.
";
        assert_eq!(of("v1.2.0", "1.2.0", false).as_deref(), Ok(unsigned));
        let signed =
            "### Added\n- A thing.\n\nSHA256SUMS is signed. docs/release.md says how to verify it and the files.\n";
        assert_eq!(of("v1.2.0", "1.2.0", true).as_deref(), Ok(signed));
    }

    #[test]
    fn a_tag_that_is_not_the_version_or_has_no_section_has_no_notes() {
        let refused = |tag, version, why: &str| assert_eq!(of(tag, version, true), Err(why.to_owned()));
        refused("v1.2.1", "1.2.0", "the tag is v1.2.1, and Cargo.toml has the version 1.2.0");
        refused("1.2.0", "1.2.0", "the tag is 1.2.0, and Cargo.toml has the version 1.2.0");
        refused("v1.2", "1.2", "CHANGELOG.md has no section `## [1.2] - DATE`");
        refused("v1.3.0", "1.3.0", "CHANGELOG.md has no section `## [1.3.0] - DATE`");
        refused("v1.1.0", "1.1.0", "CHANGELOG.md says nothing under `## [1.1.0] - DATE`");
    }
}
