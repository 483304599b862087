//! The only socket: fetching documents and asking questions over HTTP.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, redirect};

use super::resolver::{Judged, Lookup, by_the_system};
use super::trust::{TlsError, Trust};
use super::url::KeyUrl;

/// The largest document that is read: key sets have a few KiB, the largest public ones under 100.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// What Secrets Manager calls a secret or a version that does not exist; the extension repeats it in its answer.
const NOT_FOUND: &[u8] = b"ResourceNotFoundException";

/// A document that was fetched, which may hold a secret.
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

/// Why a fetch brought nothing that can be used. None of these says anything about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    /// No connection, or it broke.
    Connection,
    /// TLS failed.
    Tls(TlsError),
    /// A discovered address is, or resolves to, this machine, its link or the platform's own services.
    Address,
    /// The Parameters and Secrets extension says that there is no such thing (`ResourceNotFoundException`).
    NotFound,
    /// Another status than 200; redirects are not followed.
    Status(u16),
    /// The document is larger than 512 KiB.
    TooLarge,
    /// It takes too long.
    Timeout,
    /// What was fetched is not what was asked for; this is what the log says of it.
    Unfit(&'static str),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("connection_failed"),
            Self::Tls(error) => error.fmt(f),
            Self::Address => f.write_str("discovered_address_not_allowed"),
            Self::NotFound => f.write_str("not_found"),
            Self::Status(status) => write!(f, "status_{status}"),
            Self::TooLarge => f.write_str("too_large"),
            Self::Timeout => f.write_str("timeout"),
            Self::Unfit(why) => f.write_str(why),
        }
    }
}

/// A fetch under way.
pub(crate) type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// What goes with a request.
#[derive(Clone, Copy)]
pub(crate) enum With<'a> {
    /// The entity tag of the version that is held, if one is (RFC 9110 section 13.1.2).
    Etag(Option<&'a str>),
    /// What the Parameters and Secrets extension knows its own function by.
    SessionToken(&'a SessionToken),
    /// A question, which is posted.
    Form(&'a Form),
}

/// The session token of the function's role: a credential, which cannot print and is sent to loopback alone.
pub(crate) struct SessionToken(pub(crate) String);

/// A form, and who posts it. Both hold secrets, so it cannot print.
pub(crate) struct Form {
    /// In the encoding `application/x-www-form-urlencoded`.
    pub(crate) body: String,
    /// The user and the password of `Authorization: Basic`.
    pub(crate) basic: Option<(String, String)>,
}

/// Where documents come from: the network in production, a script in tests. The caller bounds the time.
pub(crate) trait Fetch: Send + Sync {
    /// Fetches a document.
    fn fetch<'a>(&'a self, url: &'a KeyUrl, with: With<'a>) -> Fetching<'a>;
}

/// The network.
pub(crate) struct Network {
    tls: rustls::ClientConfig,
    /// Through the proxy of the environment, if there is one.
    outward: Client,
    /// Never through a proxy: what is sent to loopback is nobody else's business.
    loopback: Client,
    lookup: Lookup,
}

impl Network {
    /// Makes the clients; nothing is connected yet.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn new(trust: Trust) -> Result<Self, &'static str> {
        const FAILED: &str = "TLS could not be set up";
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| FAILED)?
            .with_root_certificates(trust.roots())
            .with_no_client_auth();
        let outward = client(&tls).build().map_err(|_| FAILED)?;
        let loopback = client(&tls).no_proxy().build().map_err(|_| FAILED)?;
        Ok(Self { tls, outward, loopback, lookup: by_the_system })
    }

    async fn get(&self, url: &KeyUrl, with: With<'_>) -> Result<Fetched, FetchError> {
        if !url.is_from_elsewhere {
            let client = if url.is_loopback() { &self.loopback } else { &self.outward };
            return ask(client, url, with).await;
        }
        let host = url.url.domain().map(|name| name.trim_end_matches('.').to_owned());
        let refused = Arc::<AtomicBool>::default();
        let judged = Judged { host, lookup: self.lookup, refused: Arc::clone(&refused) };
        let client = client(&self.tls).dns_resolver(Arc::new(judged)).build().map_err(|_| FetchError::Connection)?;
        let fetched = ask(&client, url, with).await;
        if refused.load(Ordering::Relaxed) { Err(FetchError::Address) } else { fetched }
    }
}

fn client(tls: &rustls::ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(redirect::Policy::none())
        .user_agent(concat!("apigw-jwt-authorizer/", env!("CARGO_PKG_VERSION")))
        // The process is frozen between invocations, and a pooled connection would be dead after it.
        .pool_max_idle_per_host(0)
}

async fn ask(client: &Client, url: &KeyUrl, with: With<'_>) -> Result<Fetched, FetchError> {
    let request = client.get(url.url.clone());
    let (request, conditional) = match with {
        With::Etag(None) => (request, false),
        With::Etag(Some(etag)) => (request.header(IF_NONE_MATCH, etag), true),
        With::SessionToken(_) if !url.is_loopback() => return Err(FetchError::Connection),
        With::SessionToken(token) => (request.header("X-Aws-Parameters-Secrets-Token", &token.0), false),
        With::Form(form) => (posted(client.post(url.url.clone()), form), false),
    };
    let mut response =
        request.send().await.map_err(|error| TlsError::of(&error).map_or(FetchError::Connection, FetchError::Tls))?;
    let max_age = max_age(response.headers());
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if conditional => return Ok(Fetched::NotModified { max_age }),
        status if status.is_client_error() && matches!(with, With::SessionToken(_)) => {
            let said = body(&mut response).await?;
            let absent = said.windows(NOT_FOUND.len()).any(|window| window == NOT_FOUND);
            return Err(if absent { FetchError::NotFound } else { FetchError::Status(status.as_u16()) });
        }
        status => return Err(FetchError::Status(status.as_u16())),
    }
    let etag = text(response.headers(), ETAG).map(str::to_owned);
    Ok(Fetched::Document { body: body(&mut response).await?, max_age, etag })
}

fn posted(request: RequestBuilder, form: &Form) -> RequestBuilder {
    let request = request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(form.body.clone());
    match &form.basic {
        Some((user, password)) => request.basic_auth(user, Some(password)),
        None => request,
    }
}

/// The whole body.
async fn body(response: &mut Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| FetchError::Connection)? {
        if body.len().saturating_add(chunk.len()) > MAX_BODY_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Fetch for Network {
    fn fetch<'a>(&'a self, url: &'a KeyUrl, with: With<'a>) -> Fetching<'a> {
        Box::pin(self.get(url, with))
    }
}

/// Lets the connection of a finished fetch close: it is a task of its own, which notices within two turns that nobody needs it.
pub(crate) async fn connection_ends() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
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
    let age = match headers.get(AGE) {
        None => 0,
        Some(age) => age.to_str().ok()?.trim().parse::<u64>().ok()?,
    };
    Some(Duration::from_secs(seconds.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddr};

    use reqwest::dns::{Addrs, Name, Resolve, Resolving};

    use super::*;
    use crate::keys::resolver::Looking;

    /// Resolves a name to the addresses that are encoded in it.
    fn by_its_name(host: String) -> Looking {
        let addresses = host.trim_end_matches('.').trim_end_matches(".example").split('.');
        let addresses = addresses.map(|part| {
            SocketAddr::from((part.trim_start_matches('x').replace('-', ":").parse::<Ipv6Addr>().unwrap(), 0))
        });
        Box::pin(std::future::ready(Ok(addresses.collect())))
    }

    struct Unjudged;

    impl Resolve for Unjudged {
        fn resolve(&self, name: Name) -> Resolving {
            let looking = by_its_name(name.as_str().to_owned());
            Box::pin(async move {
                let addresses: Addrs = Box::new(looking.await?.into_iter());
                Ok(addresses)
            })
        }
    }

    #[test]
    fn a_discovered_name_that_resolves_to_this_machine_its_link_or_the_platform_is_not_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let network = Network { lookup: by_its_name, ..Network::new(Trust::Webpki).unwrap() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fetch = |url: &KeyUrl| runtime.block_on(network.get(url, With::Etag(None))).err();
        let issuer = KeyUrl::discovery("https://issuer.example/").unwrap();
        for host in [
            "x--ffff-7f00-1",
            "x--1",
            "x--0",
            "x--ffff-0-0",
            "x--7f00-1",
            "x--ffff-a9fe-a9fe",
            "x64-ff9b--a9fe-a9fe",
            "x64-ff9b--7f00-1",
            "xfe80--1",
            "xfd00-ec2--254",
            // One address that is outside, and one that is not.
            "x2001-db8--1.x--1",
        ] {
            for dot in ["", "."] {
                let text = format!("https://{host}.example{dot}:{port}/keys");
                let url = KeyUrl::discovered(&text, &issuer).unwrap();
                assert_eq!(fetch(&url), Some(FetchError::Address), "{text}");
            }
        }
        let connected = || listener.accept().is_ok();
        assert!(!connected());
        // A configured address is not checked.
        let configured = KeyUrl::parse(&format!("https://x--ffff-7f00-1.example:{port}/keys")).unwrap();
        let network =
            Network { outward: client(&network.tls).dns_resolver(Arc::new(Unjudged)).build().unwrap(), ..network };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fetch = async {
            tokio::time::timeout(Duration::from_millis(200), network.get(&configured, With::Etag(None))).await
        };
        assert!(runtime.block_on(fetch).is_err());
        assert!(connected());
    }

    #[test]
    fn the_age_of_a_response_is_subtracted_from_max_age() {
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
        assert_eq!(age("max-age=3600", Some("about an hour")), None, "an unreadable age could be any age");
        assert_eq!(age("no-store", None), None);
        assert_eq!(age("s-maxage=5", None), None);
        assert_eq!(age("max-age=x", None), None);
    }
}
