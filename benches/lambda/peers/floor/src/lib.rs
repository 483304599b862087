//! A minimal authorizer that still verifies a token: keys that are parsed once, from a file or fetched from a host;
//! checks of the signature, `exp`, `iss`, `aud` and one scope; and an Allow of the method ARN. No configuration,
//! routes, retries or log.

use std::borrow::Cow;
use std::env::var;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// A failure to read the rules or to reach the Runtime API.
pub type Failure = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "authorizationToken")]
    token: Cow<'a, str>,
    #[serde(borrow, rename = "methodArn")]
    arn: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
}

#[derive(Deserialize)]
struct Claims<'a> {
    iss: Cow<'a, str>,
    aud: Cow<'a, str>,
    sub: Cow<'a, str>,
    scope: Cow<'a, str>,
    exp: u64,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    n: String,
    e: String,
}

enum Key {
    Rs256(Vec<(String, ParsedPublicKey)>),
    Hs256(Box<hmac::Key>),
}

/// The rules that a token must meet.
pub struct Rules {
    key: Key,
    issuer: String,
    audience: String,
    scope: String,
    /// The number of bytes of Resources in addition to the method ARN.
    more: usize,
}

impl Rules {
    pub fn read() -> Result<Self, Failure> {
        let key = match var("SECRET_FILE") {
            Ok(file) => Key::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, std::fs::read(file)?.trim_ascii_end()))),
            Err(_) => {
                let set: Jwks = match var("JWKS_HOST") {
                    Ok(host) => {
                        let mut connection = Connection::open(&host)?;
                        let request = format!("GET /jwks.json HTTP/1.1\r\nHost: {host}\r\n\r\n");
                        let (head, end) = connection.exchange(request.as_bytes())?;
                        serde_json::from_slice(&connection.buffer[head + 4..end])?
                    }
                    Err(_) => serde_json::from_slice(&std::fs::read(var("JWKS_FILE")?)?)?,
                };
                let parse = |key: Jwk| -> Result<_, Failure> {
                    let numbers =
                        RsaPublicKeyComponents { n: URL_SAFE_NO_PAD.decode(key.n)?, e: URL_SAFE_NO_PAD.decode(key.e)? };
                    Ok((key.kid, numbers.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?))
                };
                Key::Rs256(set.keys.into_iter().map(parse).collect::<Result<_, _>>()?)
            }
        };
        Ok(Self {
            key,
            issuer: var("ISSUER")?,
            audience: var("AUDIENCE")?,
            scope: var("SCOPE")?,
            more: var("MORE_BYTES").map_or(Ok(0), |more| more.parse())?,
        })
    }

    /// The policy, if the token meets the rules.
    pub fn answer(&self, event: &[u8]) -> Option<String> {
        let event: Event = serde_json::from_slice(event).ok()?;
        let (input, signature) = event.token.strip_prefix("Bearer ")?.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        let (header, claims) = (URL_SAFE_NO_PAD.decode(header).ok()?, URL_SAFE_NO_PAD.decode(claims).ok()?);
        let header: Header = serde_json::from_slice(&header).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        match (&self.key, header.alg) {
            (Key::Rs256(keys), "RS256") => {
                let (_, key) = keys.iter().find(|(kid, _)| kid == header.kid)?;
                key.verify_sig(input.as_bytes(), &signature).ok()?;
            }
            (Key::Hs256(key), "HS256") => hmac::verify(key, input.as_bytes(), &signature).ok()?,
            _ => return None,
        }
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        let passes = claims.exp > now
            && claims.iss == self.issuer
            && claims.aud == self.audience
            && claims.scope.split(' ').any(|scope| scope == self.scope);
        passes.then(|| {
            let mut resources = vec![event.arn.to_string()];
            let others = (0..).map(|number| format!("{}/{number}", event.arn));
            resources.extend(others.scan(0, |bytes, other| {
                *bytes += other.len() + 3;
                (*bytes <= self.more).then_some(other)
            }));
            serde_json::json!({
                "principalId": claims.sub,
                "policyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{ "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resources }]
                }
            })
            .to_string()
        })
    }
}

/// One HTTP/1.1 connection.
pub struct Connection {
    stream: TcpStream,
    pub buffer: Vec<u8>,
}

impl Connection {
    pub fn open(host: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a request and reads the whole response into the buffer; returns where its head and its body end.
    pub fn exchange(&mut self, request: &[u8]) -> Result<(usize, usize), Failure> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled + 16_384, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err("the Runtime API is gone".into());
            }
            filled += read;
            let Some(head) = self.buffer[..filled].windows(4).position(|end| end == b"\r\n\r\n") else {
                continue;
            };
            let length: usize = header(&self.buffer[..head], "content-length").unwrap_or("0").parse()?;
            if filled >= head + 4 + length {
                return Ok((head, head + 4 + length));
            }
        }
    }
}

pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    std::str::from_utf8(head).ok()?.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
