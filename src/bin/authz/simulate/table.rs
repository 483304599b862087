//! Every route, for everybody.

use apigw_jwt_authorizer::Authorizer;
use apigw_jwt_authorizer::explain::{Asked, Fate};
use serde_json::{Value, json};

use super::who::{Report, Who, cell, holder};
use crate::check::methods;
use crate::page::{Colour, Page};

/// As many columns as fit beside a path.
const COLUMNS: usize = 7;

/// What the routes do to somebody.
struct Column {
    who: String,
    /// The reason, if the token is refused.
    refused: Option<&'static str>,
    fates: Vec<(Asked, Fate)>,
}

/// The columns; each has the same routes, in the same order.
pub(super) struct Table(Vec<Column>);

/// Simulates everybody.
pub(super) async fn simulated(authorizer: &Authorizer, all: &[Who]) -> Table {
    let mut columns = Vec::new();
    for who in all {
        let (holder, refused) = holder(authorizer, &who.bearer).await;
        let asked = authorizer.requests(&holder);
        let fates = match refused {
            Some(reason) => vec![refusal(reason); asked.len()],
            None => authorizer.fates(&holder, &asked),
        };
        columns.push(Column { who: who.name.clone(), refused, fates: asked.into_iter().zip(fates).collect() });
    }
    Table(columns)
}

/// The fate of every request with a token that is refused.
pub(super) fn refusal(reason: &'static str) -> Fate {
    Fate { allowed: false, reason: Some(reason), cached_otherwise: Vec::new() }
}

/// What requests to one path are called.
pub(super) fn route(names: &[&'static str], asked: &Asked) -> String {
    match &asked.path {
        Some(path) => format!("{} {path}", methods(names)),
        None => "what is not declared".to_owned(),
    }
}

/// A fate in a word; a star says that a cached answer may do something else.
pub(super) fn word(fate: &Fate) -> String {
    let word = if fate.allowed { "allowed" } else { "refused" };
    let star = if fate.cached_otherwise.is_empty() { "" } else { "*" };
    format!("{word}{star}")
}

impl Table {
    /// What cached answers do otherwise.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for column in &self.0 {
            for (names, row) in rows(std::slice::from_ref(column)) {
                let Some((asked, fate)) = column.fates.get(row) else { continue };
                if let Some(first) = fate.cached_otherwise.first() {
                    let does = if fate.allowed { "refuse" } else { "allow" };
                    let more = fate.cached_otherwise.len().saturating_sub(1);
                    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                    notes.push(format!(
                        "{}, {}: cached answers to {first}{more} {does} it",
                        column.who,
                        route(&names, asked)
                    ));
                }
            }
        }
        notes
    }
}

impl Report for Table {
    fn page(&self) -> String {
        let mut page = Page::stdout();
        for (number, columns) in self.0.chunks(COLUMNS).enumerate() {
            if number > 0 {
                page.gap();
            }
            let letters = ["A", "B", "C", "D", "E", "F", "G"];
            for (letter, column) in letters.iter().zip(columns) {
                let refused =
                    column.refused.map(|reason| format!("; this token is refused: {reason}")).unwrap_or_default();
                page.row(&[(letter, 3, Some(Colour::Bold))], &format!("{}{refused}", column.who));
            }
            page.gap();
            let heads: Vec<_> =
                letters.iter().zip(columns).map(|(letter, _)| (*letter, 10, Some(Colour::Bold))).collect();
            page.row(&heads, "route");
            for (names, row) in rows(columns) {
                let Some((asked, _)) = columns.first().and_then(|column| column.fates.get(row)) else { continue };
                let fates = columns.iter().filter_map(|column| column.fates.get(row));
                let words: Vec<(String, bool)> = fates.map(|(_, fate)| (word(fate), fate.allowed)).collect();
                let colour = |allowed| Some(if allowed { Colour::Green } else { Colour::Red });
                let cells: Vec<_> = words.iter().map(|(word, allowed)| (word.as_str(), 10, colour(*allowed))).collect();
                page.row(&cells, &route(&names, asked));
            }
        }
        let notes = self.notes();
        if !notes.is_empty() {
            page.gap();
            page.heading("* not what every cached answer does:");
            notes.iter().for_each(|note| page.paragraph(2, note));
        }
        page.finish()
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut heads = vec!["route".to_owned()];
        heads.extend(self.0.iter().map(|column| cell(&column.who)));
        let mut text = line(heads);
        text.push_str(&format!("|{}\n", "---|".repeat(self.0.len().saturating_add(1))));
        for (names, row) in rows(&self.0) {
            let fates = self.0.iter().filter_map(|column| column.fates.get(row));
            let asked = fates.clone().map(|(asked, _)| asked).take(1);
            let mut cells: Vec<String> = asked.map(|asked| format!("`{}`", route(&names, asked))).collect();
            cells.extend(fates.map(|(_, fate)| match fate.reason.filter(|_| !fate.allowed) {
                Some(reason) => format!("{} (`{reason}`)", cell(&word(fate)).replace('*', "\\*")),
                None => word(fate).replace('*', "\\*"),
            }));
            text.push_str(&line(cells));
        }
        let notes = self.notes();
        if !notes.is_empty() {
            text.push_str("\n\\* Not what every cached answer does:\n\n");
            notes.iter().for_each(|note| text.push_str(&format!("- {note}\n")));
        }
        text
    }

    fn json(&self) -> Value {
        let bearers = self.0.iter().map(|column| {
            let routes: Vec<Value> = column.fates.iter().map(|(asked, fate)| of(asked, fate)).collect();
            json!({ "bearer": column.who, "refused": column.refused, "routes": routes })
        });
        Value::Array(bearers.collect())
    }
}

/// The rows to print: where the methods of a path fare alike for everybody they share one. Each has its methods and the first of
/// its positions.
fn rows(columns: &[Column]) -> Vec<(Vec<&'static str>, usize)> {
    let mut rows: Vec<(Vec<&'static str>, usize)> = Vec::new();
    let routes = columns.first().map(|column| column.fates.as_slice()).unwrap_or_default();
    for (row, (asked, _)) in routes.iter().enumerate() {
        let alike = |first: usize| {
            columns.iter().all(|column| match (column.fates.get(first), column.fates.get(row)) {
                (Some((one, before)), Some((other, fate))) => {
                    one.path == other.path && word(before) == word(fate) && before.reason == fate.reason
                }
                _ => false,
            })
        };
        match rows.last_mut() {
            Some((names, first)) if alike(*first) => names.push(asked.method),
            _ => rows.push((vec![asked.method], row)),
        }
    }
    rows
}

/// A route's fate for programs; `path` is `null` for what is not declared.
pub(super) fn of(asked: &Asked, fate: &Fate) -> Value {
    json!({
        "method": asked.method,
        "path": asked.path,
        "asked": asked.sample(),
        "allowed": fate.allowed,
        "reason": fate.reason,
        "cached_otherwise": fate.cached_otherwise,
    })
}
