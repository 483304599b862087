//! What a changed configuration changes for each token.

use apigw_jwt_authorizer::Authorizer;
use apigw_jwt_authorizer::explain::{Asked, Fate};
use serde_json::{Value, json};

use super::table::{of, refusal, route, word};
use super::who::{Report, Who, cell, holder};
use crate::page::{Colour, Page};

/// Requests to one path that fare otherwise.
struct Change {
    who: String,
    asked: Asked,
    methods: Vec<&'static str>,
    before: Fate,
    after: Fate,
}

/// What changes.
pub(super) struct Changes(Vec<Change>);

/// Compares two configurations: the routes of both, each decided by both.
pub(super) async fn changes(old: &Authorizer, new: &Authorizer, all: &[Who]) -> Changes {
    let mut changes: Vec<Change> = Vec::new();
    for who in all {
        let (before, after) = (holder(old, &who.bearer).await, holder(new, &who.bearer).await);
        let mut asked = new.requests(&after.0);
        for request in old.requests(&before.0) {
            if !asked.iter().any(|known| (known.method, &known.path) == (request.method, &request.path)) {
                asked.push(request);
            }
        }
        let fates = |authorizer: &Authorizer, (holder, refused): &(_, Option<&'static str>)| match refused {
            Some(reason) => vec![refusal(reason); asked.len()],
            None => authorizer.fates(holder, &asked),
        };
        let (before, after) = (fates(old, &before), fates(new, &after));
        for ((asked, before), after) in asked.into_iter().zip(before).zip(after) {
            if word(&before) == word(&after) {
                continue;
            }
            let alike = |last: &&mut Change| {
                let same = |one: &Fate, other: &Fate| word(one) == word(other) && one.reason == other.reason;
                (&last.who, &last.asked.path) == (&who.name, &asked.path)
                    && same(&last.before, &before)
                    && same(&last.after, &after)
            };
            match changes.last_mut().filter(alike) {
                Some(last) => last.methods.push(asked.method),
                None => {
                    let methods = vec![asked.method];
                    changes.push(Change { who: who.name.clone(), asked, methods, before, after });
                }
            }
        }
    }
    Changes(changes)
}

impl Report for Changes {
    fn page(&self) -> String {
        let mut page = Page::stdout();
        if self.0.is_empty() {
            page.heading("Nothing changes.");
        }
        let mut last = None;
        for change in &self.0 {
            if last != Some(&change.who) {
                if last.is_some() {
                    page.gap();
                }
                page.heading(&change.who);
                last = Some(&change.who);
            }
            let colour = if change.after.allowed { Colour::Green } else { Colour::Red };
            let words = format!("{} -> {}", word(&change.before), word(&change.after));
            page.row(&[("  ", 2, None), (&words, 22, Some(colour))], &route(&change.methods, &change.asked));
        }
        if self.0.iter().any(|change| word(&change.after).ends_with('*')) {
            page.gap();
            page.paragraph(0, "* not what every cached answer does: see authz simulate without --against");
        }
        page.finish()
    }

    fn markdown(&self) -> String {
        if self.0.is_empty() {
            return "Nothing changes for these tokens.\n".to_owned();
        }
        let mut text = "| for | route | before | after |\n|---|---|---|---|\n".to_owned();
        for change in &self.0 {
            let said = |fate: &Fate| match fate.reason.filter(|_| !fate.allowed) {
                Some(reason) => format!("{} (`{reason}`)", word(fate).replace('*', "\\*")),
                None => word(fate).replace('*', "\\*"),
            };
            let (before, after) = (said(&change.before), said(&change.after));
            text.push_str(&format!(
                "| {} | `{}` | {before} | {after} |\n",
                cell(&change.who),
                route(&change.methods, &change.asked)
            ));
        }
        text
    }

    fn json(&self) -> Value {
        let changes = self.0.iter().map(|change| {
            let (before, after) = (of(&change.asked, &change.before), of(&change.asked, &change.after));
            json!({ "bearer": change.who, "methods": change.methods, "before": before, "after": after })
        });
        Value::Array(changes.collect())
    }
}
