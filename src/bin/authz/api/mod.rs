//! The methods of an API, and which of them a Lambda authorizer protects: from an OpenAPI document or a template.

mod cloudformation;
mod model;
mod openapi;
pub(crate) mod path;
mod sam;
mod scheme;
mod template;
mod text;

use std::path::{Path, PathBuf};

pub(crate) use model::{Api, METHODS, Method, Protection, Selection};

use serde_json::Value;

/// Reads an API from a file.
///
/// # Errors
/// What keeps it from being one.
pub(crate) fn read(file: &Path, selection: &Selection) -> Result<Api, String> {
    let bytes = crate::read(file)?;
    let name = file.display();
    let text = std::str::from_utf8(&bytes).map_err(|_| format!("{name} is not UTF-8 text"))?;
    let document = text::parse(text).map_err(|problem| format!("{name}: {problem}"))?;
    let folder = file.parent().map_or_else(PathBuf::new, Path::to_owned);
    let api = if ["openapi", "swagger"].iter().any(|name| document.get(name).is_some()) {
        let mut api = Api::default();
        openapi::add(&document, None, selection, &mut api);
        api
    } else if document.get("Resources").is_some_and(Value::is_object) {
        cloudformation::read(&document, &folder, selection).map_err(|problem| format!("{name}: {problem}"))?
    } else {
        return Err(format!(
            "{name} is not an API document: expected OpenAPI (a member `openapi` or `swagger`), or a SAM or CloudFormation template \
             (a member `Resources`)"
        ));
    };
    Ok(api)
}
