//! The HTTP server: connections, who may ask, and which part answers.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use ::http::header::LOCATION;
use ::http::{Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::gateway::Gateway;
use super::http::{MAX_BODY, Reply, Request, set, text};
use super::issuer::{self, Issuer};
use super::page::{self, Page};
use super::resources::Found;
use super::responses::{Own, shared_with};
use super::safety::{Origin, Origins};

/// How long a client may take to send the head of a request.
const HEAD_LASTS: Duration = Duration::from_secs(10);
/// How long a client may take to send the body: 10 MB from the same machine take less than a second.
const BODY_LASTS: Duration = Duration::from_secs(30);
/// How long open requests may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(2);
/// As many connections as are served at once: a browser opens six.
const MAX_CONNECTIONS: usize = 256;

/// What answers the requests to one address.
pub(super) trait Site {
    /// The answer to a request.
    async fn answer(&self, request: ::http::Request<Incoming>) -> Reply;
}

/// Everything that answers at the gateway's address.
pub(super) struct Server {
    pub(super) origins: Origins,
    pub(super) gateway: Rc<Gateway>,
    pub(super) page: Page,
    pub(super) issuer: Option<Rc<Issuer>>,
}

/// Serves connections until the process is told to stop, and then lets open requests end.
pub(super) async fn accept(listener: TcpListener, site: Rc<impl Site + 'static>) {
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut signal = std::pin::pin!(told_to_stop());
    loop {
        tokio::select! {
            () = &mut signal => break,
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                // A connection that has gone already, or no file left: the next one may come through.
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                connections.spawn_local(connection(stream, Rc::clone(&site), stopped.clone()));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listener);
    drop(stop);
    let ended = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        _ = tokio::time::timeout(GRACE, ended) => {}
        // A second Ctrl-C ends it at once.
        () = told_to_stop() => {}
    }
}

/// Waits for Ctrl-C, or for SIGTERM.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    drop(tokio::signal::ctrl_c().await);
}

async fn connection(stream: TcpStream, site: Rc<impl Site>, mut stopped: watch::Receiver<()>) {
    let service = service_fn(move |request| {
        let site = Rc::clone(&site);
        async move { Ok::<_, Infallible>(site.answer(request).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LASTS)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        // A client that goes away in the middle of something is its own business.
        _ = serving.as_mut() => {}
        _ = stopped.changed() => {
            serving.as_mut().graceful_shutdown();
            drop(serving.await);
        }
    }
}

/// Reads a request that was meant for this address.
///
/// # Errors
/// The answer to one that cannot be read or was meant for another.
pub(super) async fn read(request: ::http::Request<Incoming>, origins: &Origins) -> Result<Request, Reply> {
    let (head, body) = request.into_parts();
    let read = tokio::time::timeout(BODY_LASTS, Limited::new(body, MAX_BODY).collect()).await;
    let body = match read {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Own::BodyTooLong.reply()),
        Ok(Err(_)) | Err(_) => return Err(text(StatusCode::BAD_REQUEST, "The body could not be read.")),
    };
    let request = Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body,
    };
    let authority = head.uri.authority().map(ToString::to_string);
    match origins.misdirected(&request, authority.as_deref()) {
        Some(refusal) => Err(refusal),
        None => Ok(request),
    }
}

impl Site for Server {
    async fn answer(&self, request: ::http::Request<Incoming>) -> Reply {
        let request = match read(request, &self.origins).await {
            Ok(request) => request,
            Err(refusal) => return refusal,
        };
        let origin = self.origins.of(&request);
        if origin == Origin::Foreign {
            return text(
                StatusCode::FORBIDDEN,
                "Pages of this origin may not ask. `authz serve --allow-origin` lets those of another origin in.",
            );
        }
        if below(&request.path, page::MOUNT) {
            return self.page.answer(&request, &self.origins).await;
        }
        if let Some(issuer) = self.issuer.as_ref().filter(|_| below(&request.path, issuer::MOUNT)) {
            let mut reply = issuer.answer(&request, &origin);
            if let Origin::Allowed(origin) = &origin {
                shared_with(&mut reply, origin);
            }
            return reply;
        }
        if self.is_a_visit(&request) {
            let home = self.page.app.as_deref().unwrap_or(page::MOUNT);
            let mut reply = text(StatusCode::SEE_OTHER, &format!("The page is at {home}."));
            set(&mut reply, LOCATION, home);
            return reply;
        }
        self.gateway.answer(&request, &origin).await.0
    }
}

impl Server {
    /// Whether somebody opened the address itself in a browser, and the API has nothing there.
    fn is_a_visit(&self, request: &Request) -> bool {
        request.method == Method::GET
            && request.path == "/"
            && request.header("sec-fetch-mode") == Some("navigate")
            && self.gateway.loaded().resources.find("GET", "/") == Found::Nothing
    }
}

/// Whether a path is a mount or below it.
fn below(path: &str, mount: &str) -> bool {
    path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
