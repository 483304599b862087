//! What is allowed in a configuration and is probably a mistake, and the cure. Only with the feature `authz`.
//!
//! A warning names fields, methods and paths, and repeats no other text of the configuration.

mod claims;
mod issuers;
mod keys;
mod operators;
mod providers;
mod routes;
mod scope_map;
mod scopes;
#[cfg(test)]
mod tests;
mod texts;

use crate::authorizer::Authorizer;
use crate::config::ConfigIssue;

/// The warnings so far.
#[derive(Default)]
struct Warnings(Vec<ConfigIssue>);

impl Warnings {
    fn add(&mut self, path: &str, warning: impl Into<String>) {
        self.0.push(ConfigIssue { path: path.to_owned(), expected: warning.into() });
    }
}

impl Authorizer {
    /// What is allowed and probably not meant: where it is, and what to do. [`Config::warnings`](crate::Config::warnings) has
    /// what the authorizer itself warns of at start.
    #[must_use]
    pub fn lint(&self) -> Vec<ConfigIssue> {
        let mut warnings = Warnings::default();
        for (index, issuer) in self.issuers.iter().enumerate() {
            let path = format!("issuers[{index}]");
            issuers::lint(&path, issuer, &mut warnings);
            scope_map::lint(&path, &issuer.claims.scope_map, &self.routes, &mut warnings);
        }
        routes::lint(&self.routes, &mut warnings);
        scopes::lint(&self.routes, &mut warnings);
        claims::forwarding(&self.settings.forwarding, &mut warnings);
        warnings.0
    }
}
