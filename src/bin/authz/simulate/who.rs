//! Whom to ask for, and how to print the answer.

use apigw_jwt_authorizer::Authorizer;
use apigw_jwt_authorizer::explain::{Bearer, Holder};
use clap::ValueEnum;
use serde_json::Map;

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

/// A holder of a token, or one of no scopes in place of a token that is refused, with the reason.
pub(super) async fn holder(
    authorizer: &Authorizer,
    bearer: &Bearer,
) -> Result<(Holder, Option<&'static str>), &'static str> {
    match authorizer.holder(bearer).await {
        Ok(holder) => Ok((holder, None)),
        Err(reason) => {
            let nobody = Bearer::Supposed { claims: Map::new(), scopes: Vec::new() };
            Ok((authorizer.holder(&nobody).await?, Some(reason)))
        }
    }
}

/// A text in a cell of a table in Markdown.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
