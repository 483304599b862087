//! The provider, which runs as a separate process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc");

/// The client that tokens are issued to.
const CLIENT: &str = "client_id=client&client_secret=a%20secret%20of%20the%20client";

/// A running provider. Dropping it ends the process.
pub(crate) struct Provider {
    child: Child,
    pub(crate) issuer: String,
}

impl Provider {
    /// Starts the provider, or says what this machine lacks for it.
    pub(crate) fn start_or_skip() -> Option<Self> {
        // `eprintln!` is captured in a test that passes; this is not.
        let skip = |why| writeln!(std::io::stderr(), "\nskipped: {why}").unwrap();
        Self::start().map_err(skip).ok()
    }

    /// Starts the provider, and installs it first if necessary.
    ///
    /// # Errors
    /// Returns what this machine lacks.
    fn start() -> Result<Self, &'static str> {
        let recent = "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)";
        if !runs(Command::new("node").args(["-e", recent])) {
            return Err("Node.js 20 or later is not installed");
        }
        let installed = Path::new(DIRECTORY).join("node_modules/oidc-provider").exists();
        let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        if !installed && !runs(Command::new("npm").args(install).current_dir(DIRECTORY)) {
            return Err("npm could not install the provider");
        }
        let child = Command::new("node")
            .arg("provider.mjs")
            .current_dir(DIRECTORY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut provider = Self { child: child.unwrap(), issuer: String::new() };
        // The provider prints more than the issuer, so keep reading its output.
        let mut output = BufReader::new(provider.child.stdout.take().unwrap());
        while provider.issuer.is_empty() {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the provider did not start");
            line.strip_prefix("issuer ").unwrap_or_default().trim_end().clone_into(&mut provider.issuer);
        }
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(provider)
    }

    /// An access token signed with this algorithm, or an opaque one if it is `opaque`.
    #[track_caller]
    pub(crate) fn token(&self, alg: &str) -> String {
        let answer = self.post(
            "/token",
            &format!("grant_type=client_credentials&{CLIENT}&scope=read%3Amovies&resource=urn%3Aalg%3A{alg}"),
        );
        let body: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
        body["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Revokes a token (RFC 7009).
    #[track_caller]
    pub(crate) fn revoke(&self, token: &str) {
        assert_eq!(self.post("/token/revocation", &format!("{CLIENT}&token={token}")), "");
    }

    /// Rotates the keys: new tokens are signed with new ones.
    #[track_caller]
    pub(crate) fn rotate(&self) {
        assert_eq!(self.post("/rotate", ""), "rotated");
    }

    /// Posts a form; returns the body of the response.
    #[track_caller]
    fn post(&self, path: &str, form: &str) -> String {
        let authority = self.issuer.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(authority).unwrap();
        let length = form.len();
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: {authority}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{form}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether a command exists and succeeds.
fn runs(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
