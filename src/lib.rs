//! A Lambda authorizer for AWS API Gateway: a TOKEN authorizer for REST APIs, and a REQUEST authorizer for REST, WebSocket and HTTP APIs.
//!
//! It takes the bearer token of an authorizer event, verifies it against the configured issuers, checks what it may
//! do against the route in `methodArn`, and answers with an IAM policy.
//!
//! Three types are the whole interface. A [`Config`] is parsed once, with every mistake reported. It becomes an
//! [`Authorizer`], which answers each event with an [`Answer`]. Only the binary reads the clock and the environment.
//!
//! ```
//! use std::path::Path;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use apigw_jwt_authorizer::{Authorizer, Clock, Config, Invocation, Moment};
//!
//! struct Fixed;
//!
//! impl Clock for Fixed {
//!     fn now(&self) -> Moment {
//!         Moment { wall: Duration::from_secs(1_800_000_000), monotonic: Duration::ZERO }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! let config = Config::parse(
//!     r#"{
//!         "issuers": [{ "audience": "https://api.example.com", "secret": { "env": "SECRET" } }],
//!         "routes": [{ "method": "GET", "path": "/movies", "scopes": "read:movies" }]
//!     }"#,
//!     &|name| (name == "SECRET").then(|| "a shared secret of 32 bytes or more".to_owned()),
//!     Path::new("."),
//! )?;
//! let authorizer = Authorizer::new(config, Arc::new(Fixed))?;
//!
//! let event = r#"{
//!     "type": "TOKEN",
//!     "authorizationToken": "Bearer not-a-jwt",
//!     "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/movies"
//! }"#;
//! # runtime.block_on(async {
//! let answer = authorizer.authorize(event.as_bytes(), Invocation::default()).await;
//! assert!(answer.to_json().contains("malformed_token"));
//! # });
//! # Ok(())
//! # }
//! ```
//!
//! The modules stand in the order of the pipeline, and each consumes what the one before it has proved.
//! `docs/architecture.md` in the repository describes them.

mod config;

mod authorizer;
mod bearer;
mod claims;
mod event;
mod introspection;
mod issuer;
mod keys;
mod policy;
mod response;
mod routes;
mod signature;
mod token;

#[cfg(feature = "authz")]
pub mod explain;
#[cfg(feature = "authz")]
mod lint;

#[cfg(feature = "unstable-internals")]
#[doc(hidden)]
pub mod internals;

mod algorithm;
mod decimal;
mod error;
mod hint;
mod json;
mod observer;
mod settings;
mod similarity;
mod tenant;
mod time;

pub use authorizer::{Authorizer, Invocation};
pub use config::{Config, ConfigError, ConfigIssue};
pub use error::Error;
pub use response::{Answer, Failure, PolicyAnswer};
pub use time::{Clock, Moment};
