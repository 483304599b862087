//! `authz serve`: a local API Gateway in front of a configuration, with a page that shows what it does.

mod app;
mod backend;
mod cache;
mod decision;
mod demo;
mod gateway;
mod gateway_responses;
mod http;
mod identity;
mod issuer;
mod journal;
mod loaded;
mod page;
mod resources;
mod responses;
mod rights;
mod safety;
mod server;
mod tenants;
mod users;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use url::Url;

use self::app::App;
use self::backend::Backend;
use self::gateway::Gateway;
use self::gateway_responses::GatewayResponses;
use self::identity::IdentitySource;
use self::issuer::{Issuer, Known};
use self::journal::Journal;
use self::loaded::{Loaded, Source};
use self::page::Page;
use self::safety::Origins;
use self::server::{Server, accept};
use self::users::Roster;
use crate::environment::{SystemClock, variable};
use crate::expression::expression;
use crate::{Failure, source};

pub(crate) const ABOUT: &str =
    "Serves a configuration on this machine as API Gateway would. The routes are the API, the authorizer
is the deployed code, and its answers are cached and judged as IAM policies. The page /__authorizer
shows each decision step by step.

It listens on 127.0.0.1 alone. It writes no file, and signs with no key but those that --issuer
makes and throws away.";

/// What to serve.
#[derive(Args)]
#[command(after_help = "Examples:
  authz serve --demo                                    the sample stories, with users to sign in as
  authz serve authorizer.json                           what the authorizer passes on is echoed
  authz serve authorizer.json --backend http://127.0.0.1:3000
  authz serve authorizer.json --issuer                  with a provider that signs tokens for it
  authz serve --port 0 --cache-seconds 0                on a free port, without a cache

The first line of standard output is its address. Ctrl-C ends it.

Exit status: 0 once it is stopped, 1 for input that cannot be used, 2 for a mistake in the
configuration.")]
pub(crate) struct Arguments {
    /// The configuration; without it, as the authorizer finds it
    #[arg(conflicts_with = "demo")]
    file: Option<PathBuf>,
    /// Serves the sample stories: Movies and Devices, Orders, Pets; with a provider, in memory
    #[arg(long)]
    demo: bool,
    /// The port on 127.0.0.1; 0 is a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Sends requests that pass to this address; without it they are echoed
    #[arg(long, value_name = "URL")]
    backend: Option<String>,
    /// Adds a development identity provider, whose tokens stand for those of the issuers
    #[arg(long)]
    issuer: bool,
    /// The provider's users, as a JSON list; without it, one for each right of the routes
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// How long the provider's tokens are valid
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    token_seconds: u64,
    /// How long an answer is cached; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(0..=3600))]
    cache_seconds: u64,
    /// What the whole Authorization header matches, if not the template's; empty matches all
    #[arg(long, value_name = "REGEX")]
    validation_expression: Option<String>,
    /// Plays a REQUEST authorizer with this identity source; may be given several times
    #[arg(long, value_name = "SOURCE")]
    identity_source: Vec<IdentitySource>,
    /// Whose refusals the gateway has: `default`, or `template` as with --demo
    #[arg(long, value_name = "WHOSE", hide_possible_values = true)]
    gateway_responses: Option<GatewayResponses>,
    /// Lets pages of this origin call, beside those of this machine; may be given several times
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
}

/// Serves until it is stopped.
pub(crate) async fn run(arguments: &Arguments) -> Result<String, Failure> {
    let set = LocalSet::new();
    set.run_until(served(arguments)).await
}

async fn served(arguments: &Arguments) -> Result<String, Failure> {
    let also = origins(&arguments.allow_origin)?;
    let given = given_users(arguments)?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port))).await;
    let listener = listener.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {} is taken; --port 0 takes a free one", arguments.port)
        }
        _ => format!("port {}: {error}", arguments.port),
    })?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let address = format!("http://127.0.0.1:{port}");
    let beside = match arguments.demo {
        true => Some(beside(arguments.port).await?),
        false => None,
    };
    let app_port = match &beside {
        Some(listener) => Some(listener.local_addr().map_err(|error| error.to_string())?.port()),
        None => None,
    };
    let known = Known { clients: app_port.map(App::client).into_iter().collect(), origins: also.clone() };
    let issuer = match arguments.issuer || arguments.demo || arguments.users.is_some() {
        true => Some(Rc::new(Issuer::new(&address, Rc::new(SystemClock::new()), arguments.token_seconds, known)?)),
        false => None,
    };
    let app = app_port.zip(issuer.as_ref()).map(|(port, issuer)| App::new(port, &address, issuer.base(), page::MOUNT));
    let server = Rc::new(server(arguments, &address, Origins::new(port, also), given, issuer, app.as_ref())?);
    announce(&address, &server, arguments);
    let loaded = server.gateway.loaded();
    tokio::task::spawn_local(async move { loaded.authorizer.warm_up().await });
    match beside.zip(app) {
        Some((beside, app)) => drop(tokio::join!(accept(listener, server), accept(beside, Rc::new(app)))),
        None => accept(listener, server).await,
    }
    Ok(String::new())
}

/// The listener of the app: on the next port, or on a free one.
async fn beside(port: u16) -> Result<TcpListener, String> {
    let next = if port == 0 { 0 } else { port.checked_add(1).unwrap_or_default() };
    let at = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    match at(next).await {
        Ok(listener) => Ok(listener),
        Err(_) => at(0).await.map_err(|error| format!("a port for the app: {error}")),
    }
}

/// Puts everything together.
fn server(
    arguments: &Arguments,
    address: &str,
    origins: Origins,
    given: Option<Value>,
    issuer: Option<Rc<Issuer>>,
    app: Option<&App>,
) -> Result<Server, Failure> {
    let journal = Journal::started();
    let stand_in_keys = issuer.as_ref().map(|issuer| format!("{}/jwks.json", issuer.base()));
    let (text, source, file) = configuration(arguments, stand_in_keys)?;
    let loaded = Loaded::new(&text, &source)?;
    let users = given.or_else(|| arguments.demo.then(demo::users));
    if let Some(issuer) = &issuer {
        issuer.set_roster(Roster::new(&loaded.document, issuer.base(), users.as_ref())?);
    }
    let backend = match &arguments.backend {
        Some(url) => Backend::at(url)?,
        None if arguments.demo => Backend::Demo(demo::Store::stocked()),
        None => Backend::Echo,
    };
    let given_expression = arguments.validation_expression.clone();
    let expression = given_expression.unwrap_or_else(|| expression(&loaded.document).to_owned());
    let cache_seconds = arguments.cache_seconds;
    let lasts = Duration::from_secs(cache_seconds);
    let usual = if arguments.demo { GatewayResponses::Template } else { GatewayResponses::Default };
    let responses = arguments.gateway_responses.unwrap_or(usual);
    let clock = Rc::new(SystemClock::new());
    let asked = (expression.as_str(), arguments.identity_source.as_slice());
    let gateway = Rc::new(Gateway::new(loaded, clock, issuer.clone(), backend, responses, asked, lasts)?);
    let page = Page {
        gateway: Rc::clone(&gateway),
        journal,
        source,
        file,
        address: address.to_owned(),
        cache_seconds,
        expression,
        users,
        demo: arguments.demo,
        app: app.map(App::address),
    };
    Ok(Server { origins, gateway, page, issuer })
}

/// The configuration's text, how it is read, and what its file is called.
fn configuration(arguments: &Arguments, stand_in_keys: Option<String>) -> Result<(String, Source, String), Failure> {
    if arguments.demo {
        let source = Source { base: PathBuf::from("."), environment: demo::environment, stand_in_keys };
        return Ok((demo::configuration(), source, "the sample stories".to_owned()));
    }
    let (text, base) = source(arguments.file.as_ref())?;
    let file = match &arguments.file {
        None => "the configuration that the authorizer finds".to_owned(),
        Some(file) => file.display().to_string(),
    };
    Ok((text, Source { base, environment: variable, stand_in_keys }, file))
}

/// The users of `--users`.
fn given_users(arguments: &Arguments) -> Result<Option<Value>, String> {
    let Some(file) = &arguments.users else { return Ok(None) };
    let bytes = crate::read(file)?;
    let users =
        serde_json::from_slice(&bytes).map_err(|_| format!("{}: expected a JSON list of users", file.display()))?;
    Ok(Some(users))
}

/// The origins of `--allow-origin`, as browsers write them.
fn origins(given: &[String]) -> Result<Vec<String>, String> {
    let origin = |text: &String| {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let origin = url.map(|url| url.origin().ascii_serialization());
        origin.filter(|origin| origin == text.trim_end_matches('/')).ok_or_else(|| {
            "--allow-origin: expected a scheme, a host and perhaps a port: https://app.example.com".to_owned()
        })
    };
    given.iter().map(origin).collect()
}

/// Says where it is. A reader that has gone away has seen enough.
fn announce(address: &str, server: &Server, arguments: &Arguments) {
    use std::io::Write as _;
    let mut text = format!("{address}\n\n  the page    {address}{}\n", page::MOUNT);
    if let Some(app) = &server.page.app {
        text.push_str(&format!("  the app     {app}\n"));
    }
    if let Some(issuer) = &server.issuer {
        text.push_str(&format!("  the issuer  {}\n", issuer.base()));
    }
    text.push_str(&format!("  behind it   {}\n", server.gateway.backend.name()));
    text.push_str(&match arguments.cache_seconds {
        0 => "  answers     are not cached\n".to_owned(),
        seconds => format!("  answers     are cached for {seconds} s\n"),
    });
    text.push_str("\nCtrl-C ends it.\n");
    let mut out = std::io::stdout();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
