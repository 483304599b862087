//! `tls`, and where the Parameters and Secrets extension listens.

use super::unknown::unreadable;
use super::walk::{Node, Walk};
use crate::keys::{Extension, SessionToken, Trust};

/// Reads `tls`: whose certificates the key fetches accept.
pub(super) fn tls(node: &Node<'_>) -> Option<Trust> {
    let fields = node.fields(&["roots", "ca_file"])?;
    let roots = match fields.optional("roots") {
        None => Some(Trust::Webpki),
        Some(node) if node.word(&[("webpki", true), ("system", false)])? => Some(Trust::Webpki),
        Some(node) => Trust::system().or_else(|| node.reject("the system has no certificate authorities")),
    };
    let Some(node) = fields.optional("ca_file") else {
        return roots;
    };
    match std::fs::read(node.file("expected the path of a PEM file")?) {
        Ok(pem) => roots?.with_pem(&pem).or_else(|| node.reject("expected a PEM file of certificates")),
        Err(error) => node.reject(unreadable(&error)),
    }
}

/// Reads from the environment how to reach the Parameters and Secrets extension.
pub(super) fn extension(walk: &Walk<'_>) -> Option<Extension> {
    const PORT: &str = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT";
    const DEFAULT: u16 = 2773;
    let port = (walk.env)(PORT).map_or(Some(DEFAULT), |port| port.parse().ok());
    if port.is_none() {
        walk.report("(environment)", format!("expected a port number in {PORT}"));
    }
    let token = SessionToken((walk.env)("AWS_SESSION_TOKEN").unwrap_or_default());
    Some(Extension { port: port?, token })
}
