//! `authz token`: mints a token, for local use and tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use apigw_jwt_authorizer::Clock as _;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use clap::{ArgGroup, Args, ValueEnum};
use serde_json::{Map, Value};

use crate::environment::SystemClock;
use crate::new_key;
use crate::sign::Signer;
use crate::{moment, read};

pub(crate) const ABOUT: &str =
    "Mints a token for local use and tests. There are two ways to sign it: with a private JWK (--key),
for an issuer that is configured with keys, or with a shared secret (--secret), for one that is
configured with a secret. --new-key makes the key or the secret. Never keep the keys of a real
issuer where this can read them. `iat` and `exp` are added unless the claims have them.";

/// What to mint.
#[derive(Args)]
#[command(group = ArgGroup::new("signer").required(true).args(["key", "secret", "unsigned", "new_key"]))]
#[command(after_help = "Examples:
  authz token --new-key private.jwk.json > keys.jwks.json         a key, and its set for `jwks_file`
  authz token --new-key secret.txt --alg HS256                    a secret
  authz token --secret secret.txt --claim aud=api --claim sub=ada
  authz token --key private.jwk.json --claims claims.json --claim 'roles=[\"admin\"]'
  authz token --secret secret.txt --claims claims.json | authz explain --token - \"GET /pets\"")]
pub(crate) struct Arguments {
    /// The file of a private JWK; its `alg` and `kid` are used
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The file of a shared secret; one line end at its end is not part of it
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// Signs nothing: `alg` is `none`, which no authorizer may accept
    #[arg(long)]
    unsigned: bool,
    /// Makes a key for --alg (a secret for HS256) in FILE, and prints its public key set
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    new_key: Option<PathBuf>,
    /// How the secret is written
    #[arg(long, value_enum, hide_default_value = true,  default_value_t = Encoding::Utf8, requires = "secret")]
    encoding: Encoding,
    /// The algorithm, such as HS256 or ES256; without it, the key's own
    #[arg(long)]
    alg: Option<String>,
    /// The `kid` header; without it, the key's own
    #[arg(long)]
    kid: Option<String>,
    /// The `typ` header; an empty one leaves it out
    #[arg(long, default_value = "JWT")]
    typ: String,
    /// A JSON file of claims, `-` for standard input
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// A claim, which goes before the file's; its value is JSON, or else a text
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claim: Vec<String>,
    /// When it is issued: RFC 3339, or seconds since 1970; without it, now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Duration>,
    /// How long it is valid
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    expires_in: u64,
}

/// How a secret is written.
#[derive(Clone, Copy, ValueEnum)]
enum Encoding {
    Utf8,
    Base64,
    Base64url,
}

pub(crate) fn run(arguments: &Arguments) -> Result<String, String> {
    let (alg, kid) = (arguments.alg.as_deref(), arguments.kid.as_deref());
    if let Some(file) = &arguments.new_key {
        return new_key::make(file, alg.unwrap_or("ES256"), kid);
    }
    let signer = match (&arguments.key, &arguments.secret) {
        (Some(file), _) => Signer::jwk(&read(file)?, alg, kid)?,
        (None, Some(file)) => {
            let text = secret(file)?;
            let text = text.strip_suffix(b"\n").unwrap_or(&text);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            Signer::secret(&decoded(text, arguments.encoding)?, alg, kid)?
        }
        (None, None) => Signer::nobody(),
    };
    let mut claims = match &arguments.claims {
        Some(file) => serde_json::from_slice(&read(file)?)
            .map_err(|_| format!("{}: expected a JSON object of claims", file.display()))?,
        None => Map::new(),
    };
    for claim in &arguments.claim {
        let (name, value) = claim.split_once('=').ok_or("expected a claim as NAME=VALUE")?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        claims.insert(name.to_owned(), value);
    }
    let issued = arguments.at.unwrap_or_else(|| SystemClock::new().now().wall).as_secs();
    claims.entry("iat").or_insert_with(|| issued.into());
    claims.entry("exp").or_insert_with(|| issued.saturating_add(arguments.expires_in).into());
    let typ = Some(arguments.typ.as_str()).filter(|typ| !typ.is_empty());
    signer.token(typ, &claims).map(|token| format!("{token}\n"))
}

/// The text of a secret's file; whoever gives the secret itself does not find it in the terminal again.
fn secret(file: &Path) -> Result<Vec<u8>, String> {
    match file.as_os_str() == "-" || file.exists() {
        true => read(file),
        false => Err("--secret names the file of a secret, and there is no such file (what was given is not repeated)"
            .to_owned()),
    }
}

fn decoded(text: &[u8], encoding: Encoding) -> Result<Vec<u8>, String> {
    let alphabet = match encoding {
        Encoding::Utf8 => return Ok(text.to_vec()),
        Encoding::Base64 => alphabet::STANDARD,
        Encoding::Base64url => alphabet::URL_SAFE,
    };
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet, config)
        .decode(text)
        .map_err(|_| "the secret is not written as --encoding says".to_owned())
}
