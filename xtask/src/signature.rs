//! The signature of a release, by which its files are those of the maintainer.
//!
//! One signature over SHA256SUMS, by `ssh-keygen -Y`: OpenSSH comes with Linux, macOS and Windows. The `openssl` of macOS, which is
//! LibreSSL, has no one-shot Ed25519 in `pkeyutl`, and GnuPG and minisign have to be installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{Outcome, output, root, run, target_dir};

/// The file of the keys that releases are signed with, in the form of ssh-keygen's "allowed signers".
pub const SIGNERS: &str = "release-signers";
/// The name before the key in that file.
const IDENTITY: &str = "release";
/// What the signature is for: a file, by the convention of ssh-keygen(1).
const NAMESPACE: &str = "file";
pub const SIGNATURE: &str = "SHA256SUMS.sig";

pub fn task(arguments: &[String]) -> Outcome {
    let [key] = arguments else { return Err("one KEY is expected, a file with a private key".into()) };
    let files = target_dir().join("release-files");
    sign(&files, Path::new(key), &root().join(SIGNERS))?;
    println!("signed: {}", files.join(SIGNATURE).display());
    Ok(())
}

/// Signs SHA256SUMS in a folder, if the sums are those of all of its files and users can verify the signature.
fn sign(files: &Path, key: &Path, signers: &Path) -> Outcome {
    let signature = files.join(SIGNATURE);
    if signature.exists() {
        fs::remove_file(&signature)?;
    }
    let listed = fs::read_to_string(files.join("SHA256SUMS"))?;
    if listed != sums(files)? {
        return Err("SHA256SUMS is not that of the files beside it".into());
    }
    let quiet = |command: &mut Command| run(command.stdout(Stdio::null()).stderr(Stdio::null()));
    let made = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", NAMESPACE, "-f"])
        .arg(key)
        .arg(files.join("SHA256SUMS"))
        .stdout(Stdio::null())
        .status()?;
    if !made.success() {
        return Err(format!("ssh-keygen -Y sign: {made}").into());
    }
    let verified = quiet(
        Command::new("ssh-keygen")
            .args(["-Y", "verify", "-n", NAMESPACE, "-I", IDENTITY, "-f"])
            .arg(signers)
            .arg("-s")
            .arg(&signature)
            .stdin(fs::File::open(files.join("SHA256SUMS"))?),
    );
    if verified.is_err() {
        fs::remove_file(&signature)?;
        return Err(
            format!("users could not verify this: {SIGNERS} does not have the public key, or is not there").into()
        );
    }
    Ok(())
}

/// The lines of SHA256SUMS for the files in a folder.
pub fn sums(files: &Path) -> Outcome<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(files)? {
        names.push(entry?.file_name());
    }
    names.retain(|name| name != "SHA256SUMS" && name != SIGNATURE);
    names.sort();
    Ok(String::from_utf8(output(Command::new("sha256sum").arg("--").args(names).current_dir(files))?)?)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::run::scratch;

    /// A folder with a release of one file, a key of its own and the list of signers.
    struct Release(PathBuf);

    impl Release {
        fn new(name: &str) -> Outcome<Self> {
            let release = Self(scratch(name)?);
            fs::create_dir(release.files())?;
            fs::write(release.files().join("authorizer.zip"), "the zip")?;
            fs::write(release.files().join("SHA256SUMS"), sums(&release.files())?)?;
            let public = release.key("key")?;
            fs::write(release.signers(), format!("{IDENTITY} namespaces=\"{NAMESPACE}\" {public}"))?;
            Ok(release)
        }

        fn files(&self) -> PathBuf {
            self.0.join("files")
        }

        fn signers(&self) -> PathBuf {
            self.0.join(SIGNERS)
        }

        /// Makes a key, and returns the public one.
        fn key(&self, name: &str) -> Outcome<String> {
            let key = self.0.join(name);
            let made = ["-q", "-t", "ed25519", "-N", "", "-C", "thrown away", "-f"];
            run(Command::new("ssh-keygen").args(made).arg(&key).stdout(Stdio::null()))?;
            Ok(fs::read_to_string(key.with_extension("pub"))?)
        }

        fn sign(&self, key: &str) -> Outcome {
            sign(&self.files(), &self.0.join(key), &self.signers())
        }

        /// Runs the commands that docs/release.md tells users to run, where they would: beside the downloaded files.
        fn verified(&self) -> Outcome<bool> {
            let page = fs::read_to_string(root().join("docs/release.md"))?;
            let block = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
            let block = block.filter(|block| block.contains("-Y verify")).collect::<Vec<_>>();
            let [commands] = block.as_slice() else { return Err("docs/release.md has no block that verifies".into()) };
            if commands.lines().count() != 2 || !commands.contains("sha256sum --check --ignore-missing SHA256SUMS") {
                return Err("docs/release.md verifies by something else".into());
            }
            if !fs::read_to_string(root().join("README.md"))?.contains(&commands.trim_end().replace('\n', " && ")) {
                return Err("the README verifies by something else".into());
            }
            fs::copy(self.signers(), self.files().join(SIGNERS))?;
            let mut shell = Command::new("sh");
            let status = shell
                .args(["-e", "-c", commands])
                .current_dir(self.files())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            fs::remove_file(self.files().join(SIGNERS))?;
            Ok(status.success())
        }

        fn change(&self, name: &str, byte: usize) -> Outcome {
            let path = self.files().join(name);
            let mut bytes = fs::read(&path)?;
            *bytes.get_mut(byte).ok_or("no such byte")? ^= 1;
            Ok(fs::write(path, bytes)?)
        }
    }

    impl Drop for Release {
        fn drop(&mut self) {
            // What is left is left to the next run.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_signed_is_verified_and_one_changed_byte_is_not() -> Outcome {
        let release = Release::new("signature-verified")?;
        release.sign("key")?;
        assert!(release.verified()?);
        for (name, byte) in [("authorizer.zip", 3), ("SHA256SUMS", 10), ("SHA256SUMS", 70), (SIGNATURE, 200)] {
            release.change(name, byte)?;
            assert!(!release.verified()?, "{name}, byte {byte}");
            release.change(name, byte)?;
            assert!(release.verified()?, "{name} as it was");
        }
        Ok(())
    }

    #[test]
    fn a_signature_of_another_key_or_for_another_use_is_not_verified() -> Outcome {
        let release = Release::new("signature-other")?;
        let other = release.key("other")?;
        let signer = fs::read_to_string(release.signers())?;
        fs::write(release.signers(), format!("{IDENTITY} {other}"))?;
        release.sign("other")?;
        fs::write(release.signers(), &signer)?;
        assert!(!release.verified()?, "another key");
        fs::remove_file(release.files().join(SIGNATURE))?;
        let sign = ["-q", "-Y", "sign", "-n", "git", "-f"];
        let (key, sums) = (release.0.join("key"), release.files().join("SHA256SUMS"));
        run(Command::new("ssh-keygen").args(sign).arg(key).arg(sums).stderr(Stdio::null()))?;
        assert!(!release.verified()?, "a signature for git");
        Ok(())
    }

    #[test]
    fn nothing_is_signed_that_users_could_not_verify() -> Outcome {
        let release = Release::new("signature-refused")?;
        release.key("other")?;
        let refused = |key| release.sign(key).map_err(|error| error.to_string());
        let not_verified = "users could not verify this: release-signers does not have the public key, or is not there";
        assert_eq!(refused("other"), Err(not_verified.to_owned()));
        assert!(!release.files().join(SIGNATURE).exists(), "and no signature is left");
        release.change("authorizer.zip", 0)?;
        assert_eq!(refused("key"), Err("SHA256SUMS is not that of the files beside it".to_owned()));
        release.change("authorizer.zip", 0)?;
        fs::write(release.files().join("unlisted"), "")?;
        assert_eq!(refused("key"), Err("SHA256SUMS is not that of the files beside it".to_owned()));
        fs::remove_file(release.files().join("unlisted"))?;
        fs::remove_file(release.signers())?;
        assert_eq!(refused("key"), Err(not_verified.to_owned()));
        assert!(!release.files().join(SIGNATURE).exists());
        Ok(())
    }
}
