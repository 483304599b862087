//! The only socket: fetching documents over HTTP.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH};
use reqwest::{Client, StatusCode, redirect};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::url::KeyUrl;

/// The largest document that is read: key sets have a few KiB, the largest public ones under 100.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// A document that was fetched.
#[derive(PartialEq, Eq)]
pub(crate) enum Fetched {
    /// A 200.
    Document {
        body: Vec<u8>,
        /// `Cache-Control: max-age` less `Age` (RFC 9111 sections 5.2.2.1 and 5.1).
        max_age: Option<Duration>,
        /// The entity tag, to ask with next time (RFC 9110 section 8.8.3).
        etag: Option<String>,
    },
    /// A 304: what was sent with this entity tag still holds.
    NotModified { max_age: Option<Duration> },
}

/// A document may hold a secret.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { max_age, .. } => {
                f.debug_struct("Document").field("max_age", max_age).finish_non_exhaustive()
            }
            Self::NotModified { max_age } => f.debug_struct("NotModified").field("max_age", max_age).finish(),
        }
    }
}

/// Why there is no document. None of these says anything about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    /// No connection, or it broke, or TLS failed.
    Connection,
    /// Another status than 200; redirects are not followed.
    Status(u16),
    /// The document is larger than 512 KiB.
    TooLarge,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("connection_failed"),
            Self::Status(status) => write!(f, "status_{status}"),
            Self::TooLarge => f.write_str("too_large"),
        }
    }
}

/// A fetch under way.
pub(crate) type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// What goes with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum With<'a> {
    /// The entity tag of the version that is held, if one is (RFC 9110 section 13.1.2).
    Etag(Option<&'a str>),
    /// What the Parameters and Secrets extension knows its own function by.
    SessionToken(&'a SessionToken),
}

/// The session token of the function's role: a credential, which never prints and is sent to loopback alone.
pub(crate) struct SessionToken(pub(crate) String);

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

/// Where documents come from: the network in production, a script in tests. The caller bounds the time.
pub(crate) trait Fetch: Send + Sync {
    /// Fetches a document.
    fn fetch<'a>(&'a self, url: &'a KeyUrl, with: With<'a>) -> Fetching<'a>;
}

/// The authorities whose certificates servers may show.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Those compiled in, Mozilla's, which are copied only if something is fetched.
    Webpki,
    /// These.
    Roots(RootCertStore),
}

impl Trust {
    /// Those of the system, which takes some milliseconds to read; `None` if it has none.
    pub(crate) fn system() -> Option<Self> {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        (added > 0).then_some(Self::Roots(roots))
    }

    /// Adds one's own, from a PEM text; `None` if that holds no certificate, or one that is none.
    pub(crate) fn with_pem(self, pem: &[u8]) -> Option<Self> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
        let whole = certificates.len();
        let mut roots = self.roots();
        let (added, _) = roots.add_parsable_certificates(certificates);
        (added > 0 && added == whole).then_some(Self::Roots(roots))
    }

    fn roots(self) -> RootCertStore {
        match self {
            Self::Webpki => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
            Self::Roots(roots) => roots,
        }
    }
}

/// The network.
pub(crate) struct Network {
    /// Through the proxy of the environment, if there is one.
    outward: Client,
    /// Never through a proxy: what is sent to loopback is nobody else's business.
    loopback: Client,
}

impl Network {
    /// Makes the clients; nothing is connected yet.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn new(trust: Trust) -> Result<Self, &'static str> {
        const FAILED: &str = "TLS could not be set up";
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| FAILED)?
            .with_root_certificates(trust.roots())
            .with_no_client_auth();
        let client = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(redirect::Policy::none())
                .user_agent(concat!("apigw-jwt-authorizer/", env!("CARGO_PKG_VERSION")))
                // The process is frozen between invocations, and a pooled connection would be dead after it.
                .pool_max_idle_per_host(0)
        };
        Ok(Self {
            outward: client().build().map_err(|_| FAILED)?,
            loopback: client().no_proxy().build().map_err(|_| FAILED)?,
        })
    }

    async fn get(&self, url: &KeyUrl, with: With<'_>) -> Result<Fetched, FetchError> {
        let client = if url.is_loopback() { &self.loopback } else { &self.outward };
        let request = client.get(url.0.clone());
        let (request, conditional) = match with {
            With::Etag(None) => (request, false),
            With::Etag(Some(etag)) => (request.header(IF_NONE_MATCH, etag), true),
            With::SessionToken(_) if !url.is_loopback() => return Err(FetchError::Connection),
            With::SessionToken(token) => (request.header("X-Aws-Parameters-Secrets-Token", &token.0), false),
        };
        let mut response = request.send().await.map_err(|_| FetchError::Connection)?;
        let max_age = max_age(response.headers());
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if conditional => return Ok(Fetched::NotModified { max_age }),
            status => return Err(FetchError::Status(status.as_u16())),
        }
        let etag = text(response.headers(), ETAG).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| FetchError::Connection)? {
            if body.len().saturating_add(chunk.len()) > MAX_BODY_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched::Document { body, max_age, etag })
    }
}

impl Fetch for Network {
    fn fetch<'a>(&'a self, url: &'a KeyUrl, with: With<'a>) -> Fetching<'a> {
        Box::pin(self.get(url, with))
    }
}

/// A header as text.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// How long a response says it may be kept, less what a cache on the way has used up.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = text(headers, CACHE_CONTROL)?.split(',').map(str::trim);
    let seconds = directives.filter_map(|directive| directive.split_once('=')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse::<u64>().ok()).flatten()
    })?;
    let age = text(headers, AGE).and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    Some(Duration::from_secs(seconds.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_that_are_compiled_in_are_trusted_also_beside_ones_own() {
        let own = rcgen::generate_simple_self_signed(["keys.example".to_owned()]).unwrap().cert.pem();
        let compiled_in = webpki_roots::TLS_SERVER_ROOTS.len();
        assert!(compiled_in > 100);
        assert_eq!(Trust::Webpki.roots().len(), compiled_in);
        assert_eq!(Trust::Webpki.with_pem(own.as_bytes()).unwrap().roots().len(), compiled_in + 1);
    }

    #[test]
    fn max_age_is_less_what_a_cache_used_up() {
        let age = |cache: &'static str, age: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, cache.parse().unwrap());
            if let Some(age) = age {
                headers.insert(AGE, age.parse().unwrap());
            }
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("public, Max-Age=3600, must-revalidate", Some("600")), Some(3000));
        assert_eq!(age("max-age=\"15\"", None), Some(15));
        assert_eq!(age("max-age=5", Some("9")), Some(0));
        assert_eq!(age("no-store", None), None);
        assert_eq!(age("s-maxage=5", None), None);
        assert_eq!(age("max-age=x", None), None);
    }
}
