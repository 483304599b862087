//! A Lambda TOKEN authorizer for AWS API Gateway.

mod algorithm;
mod bearer;
mod claims;
mod error;
mod event;
mod json;
mod policy;
mod routes;
mod signature;
mod time;
mod token;

pub use error::Error;
pub use event::MethodArn;
pub use time::{Clock, Moment};
