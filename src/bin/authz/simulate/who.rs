//! The tokens to simulate, and the output formats.

use apigw_jwt_authorizer::Authorizer;
use apigw_jwt_authorizer::explain::{Bearer, Holder};
use clap::ValueEnum;
use serde_json::{Map, Value};

/// How to print.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For pull requests
    Markdown,
}

/// Somebody to ask for.
pub(super) struct Who {
    pub(super) name: String,
    pub(super) bearer: Bearer,
}

/// The holder of a token. If the token is refused, a holder without scopes and the reason.
pub(super) async fn holder(authorizer: &Authorizer, bearer: &Bearer) -> (Holder, Option<&'static str>) {
    match authorizer.holder(bearer).await {
        Ok(holder) => (holder, None),
        Err(reason) => (Holder::supposed(Map::new(), &[]), Some(reason)),
    }
}

/// What `simulate` prints.
pub(super) trait Report {
    fn page(&self) -> String;
    fn json(&self) -> Value;
    fn markdown(&self) -> String;

    fn text(&self, format: Format) -> String {
        match format {
            Format::Text => self.page(),
            Format::Json => format!("{:#}\n", self.json()),
            Format::Markdown => self.markdown(),
        }
    }
}

/// A text in a cell of a table in Markdown.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
