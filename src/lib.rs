//! A Lambda TOKEN authorizer for AWS API Gateway.
//!
//! It takes the bearer token of a TOKEN authorizer event, verifies it against configured issuers, checks what it may do
//! against the route in `methodArn`, and answers with an IAM policy. The modules stand in the order of the pipeline, and
//! each consumes what the one before it has proved.

mod config;

mod authorizer;
mod bearer;
mod claims;
mod event;
mod keys;
mod policy;
mod response;
mod routes;
mod signature;
mod token;

#[cfg(feature = "authz")]
pub mod explain;

#[cfg(feature = "inner")]
#[doc(hidden)]
pub mod inner;

#[cfg(feature = "inner")]
#[doc(hidden)]
pub mod stages;

mod algorithm;
mod decimal;
mod error;
mod hint;
mod json;
mod time;

pub use authorizer::{Authorizer, Invocation};
pub use config::{Config, ConfigError, Mistake};
pub use error::Error;
pub use response::{Answer, Failure, PolicyAnswer};
pub use time::{Clock, Moment};
