//! `authz check --api`: whether the route table has the methods of the API, and no others.

use std::path::{Path, PathBuf};

use apigw_jwt_authorizer::Authorizer;
use serde_json::{Value, json};

use crate::api::{self, Api, Selection};
use crate::import::plural;
use crate::page::{Colour, Page};
use crate::table::{Comparison, Entry, compare};

/// A route table beside an API.
pub(crate) struct Drift {
    file: PathBuf,
    api: Api,
    found: Comparison,
    /// What of the API cannot be told from the document.
    open: Vec<String>,
}

impl Drift {
    /// Compares a configuration with the API that a file describes.
    ///
    /// # Errors
    /// If the file describes none.
    pub(crate) fn of(authorizer: &Authorizer, file: &Path, selection: &Selection) -> Result<Self, String> {
        let api = api::read(file, selection)?;
        let entries = authorizer.declared().into_iter().map(|(methods, any, path)| Entry {
            any,
            methods: methods.into_iter().map(str::to_owned).collect(),
            path,
        });
        let found = compare(&api, &entries.collect::<Vec<_>>());
        let open = api.open_questions();
        Ok(Self { file: file.to_owned(), api, found, open })
    }

    /// Whether the table is that of the API.
    pub(crate) fn is_none(&self) -> bool {
        self.found.missing.is_empty() && self.found.extra.is_empty() && self.open.is_empty()
    }

    /// What is compared, for standard output.
    pub(crate) fn page(&self) -> String {
        let mut page = Page::stdout();
        page.gap();
        page.heading(&format!("API, as {} describes it", self.file.display()));
        let count = self.api.protected().count();
        let mut text = format!("{count} {} protected by a Lambda authorizer", plural(count, "method"));
        if self.is_none() {
            text.push_str("; each is in the table, and nothing else is");
        }
        page.paragraph(2, &text);
        for (method, path) in &self.found.wider {
            page.row(&[("  note", 11, Some(Colour::Dim))], &format!("{method} is decided by the entry for {path}"));
        }
        page.finish()
    }

    /// How the table differs, for standard error.
    pub(crate) fn differences(&self) -> String {
        let mut page = Page::stderr();
        page.heading(&format!("The route table is not that of {}", self.file.display()));
        for method in &self.found.missing {
            page.row(
                &[("  missing", 11, Some(Colour::Red))],
                &format!("{method} is in the API, and no entry matches it"),
            );
        }
        for (entry, why) in &self.found.extra {
            page.row(&[("  extra", 11, Some(Colour::Red))], &format!("{entry} is in the table and {why}"));
        }
        for what in &self.open {
            page.row(&[("  unknown", 11, Some(Colour::Red))], what);
        }
        if !self.found.missing.is_empty() {
            page.paragraph(2, "To add what is missing: authz import, with --into and the configuration.");
        }
        page.finish()
    }

    /// The same, for programs.
    pub(crate) fn json(&self) -> Value {
        let extra: Vec<Value> =
            self.found.extra.iter().map(|(entry, why)| json!({ "entry": entry, "reason": why })).collect();
        json!({
            "methods": self.api.protected().map(|(method, _)| method.to_string()).collect::<Vec<_>>(),
            "missing": self.found.missing,
            "extra": extra,
            "unknown": self.open,
        })
    }
}
