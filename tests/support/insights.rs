//! CloudWatch Logs Insights, as far as the saved queries of `template.yaml` use it: `filter`, `fields`, `stats ... by`, `sort` and
//! `limit`. Anything else is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// A saved query.
#[derive(Debug)]
pub(crate) struct Query {
    filter: Condition,
    /// What `fields` shows or defines.
    columns: Vec<Column>,
    /// The aggregates, and the columns that lines are grouped by.
    stats: Option<(Vec<Column>, Vec<Column>)>,
    sort: String,
    limit: usize,
}

#[derive(Debug)]
enum Condition {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    IsPresent(String),
    IsOneOf(String, Vec<String>),
    Contains(String, String),
}

/// A field or a function of fields, and what the result calls it.
#[derive(Debug)]
struct Column {
    function: Option<String>,
    fields: Vec<String>,
    name: String,
}

impl Query {
    /// Reads a query.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Tokens(tokens(text)?);
        tokens.wants("filter")?;
        let filter = tokens.any()?;
        let (mut columns, mut stats, mut sort, mut limit) = (Vec::new(), None, None, None);
        while tokens.takes("|") {
            if tokens.takes("fields") {
                columns = tokens.columns()?;
            } else if tokens.takes("stats") {
                let aggregates = tokens.columns()?;
                tokens.wants("by")?;
                stats = Some((aggregates, tokens.columns()?));
            } else if tokens.takes("sort") {
                sort = Some(tokens.name()?);
                tokens.wants("desc")?;
            } else {
                tokens.wants("limit")?;
                limit = tokens.name()?.parse().ok();
            }
        }
        match (tokens.0.is_empty(), sort, limit) {
            (true, Some(sort), Some(limit)) => Ok(Self { filter, columns, stats, sort, limit }),
            (_, sort, limit) => Err(format!("not understood: {:?}, sort {sort:?}, limit {limit:?}", tokens.0)),
        }
    }

    /// The fields of log lines that it names.
    pub(crate) fn fields(&self) -> BTreeSet<&str> {
        let (aggregates, groups) = self.stats.as_ref().map_or((&[][..], &[][..]), |(a, g)| (a, g));
        let mut named: BTreeSet<&str> = self.filter.fields().into_iter().collect();
        named.extend(self.columns.iter().flat_map(|column| &column.fields).map(String::as_str));
        let own: BTreeSet<&str> = self.columns.iter().filter(|c| c.function.is_some()).map(|c| &*c.name).collect();
        named.extend(aggregates.iter().chain(groups).flat_map(|column| &column.fields).map(String::as_str));
        named.retain(|name| !own.contains(name));
        named
    }

    /// What it shows of these log lines.
    pub(crate) fn rows(&self, lines: &[Value]) -> Vec<Map<String, Value>> {
        let kept = lines.iter().filter(|line| self.filter.holds(line));
        // What `fields` defines is a field from then on.
        let widened: Vec<Value> = kept
            .map(|line| {
                let mut line = line.clone();
                for column in self.columns.iter().filter(|column| column.function.is_some()) {
                    if let (Some(value), Some(members)) = (column.of(&[&line]), line.as_object_mut()) {
                        members.insert(column.name.clone(), value);
                    }
                }
                line
            })
            .collect();
        let row = |columns: &[Column], of: &[&Value]| -> Map<String, Value> {
            columns.iter().filter_map(|column| Some((column.name.clone(), column.of(of)?))).collect()
        };
        let mut rows = match &self.stats {
            None => widened.iter().map(|line| row(&self.columns, &[line])).collect::<Vec<_>>(),
            Some((aggregates, groups)) => {
                let mut grouped = BTreeMap::<String, (Map<String, Value>, Vec<&Value>)>::new();
                for line in &widened {
                    let group = row(groups, &[line]);
                    grouped.entry(Value::from(group.clone()).to_string()).or_insert((group, Vec::new())).1.push(line);
                }
                grouped
                    .into_values()
                    .map(|(group, of)| row(aggregates, &of).into_iter().chain(group).collect())
                    .collect()
            }
        };
        rows.sort_by(|a, b| order(b.get(&self.sort), a.get(&self.sort)));
        rows.truncate(self.limit);
        rows
    }
}

impl Condition {
    fn fields(&self) -> Vec<&str> {
        match self {
            Self::Any(all) | Self::All(all) => all.iter().flat_map(Self::fields).collect(),
            Self::Not(condition) => condition.fields(),
            Self::IsPresent(field) | Self::IsOneOf(field, _) | Self::Contains(field, _) => vec![field],
        }
    }

    fn holds(&self, line: &Value) -> bool {
        let text = |field: &str| value(line, field).and_then(|value| value.as_str().map(str::to_owned));
        match self {
            Self::Any(all) => all.iter().any(|condition| condition.holds(line)),
            Self::All(all) => all.iter().all(|condition| condition.holds(line)),
            Self::Not(condition) => !condition.holds(line),
            Self::IsPresent(field) => value(line, field).is_some(),
            Self::IsOneOf(field, texts) => text(field).is_some_and(|text| texts.contains(&text)),
            Self::Contains(field, part) => text(field).is_some_and(|text| text.contains(part.as_str())),
        }
    }
}

impl Column {
    /// Its value for a line, or for the lines of a group.
    fn of(&self, lines: &[&Value]) -> Option<Value> {
        let mut values = lines.iter().flat_map(|line| self.fields.iter().filter_map(|field| value(line, field)));
        match self.function.as_deref() {
            None | Some("coalesce") => values.next(),
            Some("count") => Some(lines.len().into()),
            Some("min") => values.min_by(|a, b| order(Some(a), Some(b))),
            Some("max" | "sortsLast") => values.max_by(|a, b| order(Some(a), Some(b))),
            Some(other) => panic!("not known: {other}"),
        }
    }
}

/// A field of a line. `@timestamp` is that of the line, and a dot leads into an object.
fn value(line: &Value, field: &str) -> Option<Value> {
    let path =
        if field == "@timestamp" { if line.get("time").is_some() { "time" } else { "timestamp" } } else { field };
    path.split('.').try_fold(line, |value, name| value.get(name)).cloned()
}

/// Numbers by value, texts by the alphabet.
fn order(a: Option<&Value>, b: Option<&Value>) -> std::cmp::Ordering {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.and_then(Value::as_str).cmp(&b.and_then(Value::as_str)),
    }
}

/// What is left to read. A text keeps its first quotation mark.
struct Tokens(Vec<String>);

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let (mut found, mut rest) = (Vec::new(), text.trim());
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '_' | '.');
        let (token, after) = if let Some(inner) = rest.strip_prefix('"') {
            let (text, after) = inner.split_once('"').ok_or("a text without its end")?;
            (format!("\"{text}"), after)
        } else if let Some(after) = rest.strip_prefix(['|', ',', '(', ')', '[', ']', '=', '*']) {
            (first.to_string(), after)
        } else if is_name(first) {
            let (name, after) = rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()));
            (name.to_owned(), after)
        } else {
            return Err(format!("not understood: {rest}"));
        };
        found.push(token);
        rest = after.trim_start();
    }
    Ok(found)
}

impl Tokens {
    fn takes(&mut self, token: &str) -> bool {
        let is_next = self.0.first().is_some_and(|next| next == token);
        if is_next {
            self.0.remove(0);
        }
        is_next
    }

    fn wants(&mut self, token: &str) -> Result<(), String> {
        if self.takes(token) { Ok(()) } else { Err(format!("expected {token} at {:?}", self.0)) }
    }

    fn next(&mut self) -> Result<String, String> {
        if self.0.is_empty() { Err("it ends in the middle".to_owned()) } else { Ok(self.0.remove(0)) }
    }

    /// A field, a function or a number.
    fn name(&mut self) -> Result<String, String> {
        let name = self.next()?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@');
        if is_name { Ok(name) } else { Err(format!("expected a name: {name}")) }
    }

    fn text(&mut self) -> Result<String, String> {
        let text = self.next()?;
        text.strip_prefix('"').map(str::to_owned).ok_or_else(|| format!("expected a text: {text}"))
    }

    fn columns(&mut self) -> Result<Vec<Column>, String> {
        let mut columns = Vec::new();
        loop {
            let name = self.name()?;
            let mut column = Column { function: None, fields: vec![name.clone()], name };
            if self.takes("(") {
                let fields = if self.takes("*") { Vec::new() } else { self.names()? };
                self.wants(")")?;
                self.wants("as")?;
                column = Column { function: Some(column.name), fields, name: self.name()? };
            }
            columns.push(column);
            if !self.takes(",") {
                return Ok(columns);
            }
        }
    }

    fn names(&mut self) -> Result<Vec<String>, String> {
        let mut names = vec![self.name()?];
        while self.takes(",") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.all()?];
        while self.takes("or") {
            all.push(self.all()?);
        }
        Ok(Condition::Any(all))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.one()?];
        while self.takes("and") {
            all.push(self.one()?);
        }
        Ok(Condition::All(all))
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.takes("not") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.takes("(") {
            let condition = self.any()?;
            return self.wants(")").map(|()| condition);
        }
        let field = self.name()?;
        if field == "ispresent" {
            self.wants("(")?;
            let condition = Condition::IsPresent(self.name()?);
            return self.wants(")").map(|()| condition);
        }
        if self.takes("=") {
            return Ok(Condition::IsOneOf(field, vec![self.text()?]));
        }
        if self.takes("like") {
            return Ok(Condition::Contains(field, self.text()?));
        }
        self.wants("in")?;
        self.wants("[")?;
        let mut texts = vec![self.text()?];
        while self.takes(",") {
            texts.push(self.text()?);
        }
        self.wants("]")?;
        Ok(Condition::IsOneOf(field, texts))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_filtered_grouped_and_sorted() {
        let lines = [
            json!({ "timestamp": "1", "kind": "a", "ms": 5, "id": "x" }),
            json!({ "timestamp": "2", "kind": "a", "ms": 40, "id": "y" }),
            json!({ "time": "3", "kind": "b", "record": { "ms": 7, "id": "x" } }),
            json!({ "timestamp": "4", "kind": "c" }),
        ];
        let text = r#"filter (kind = "a" or kind in ["b", "x"]) and not kind like "c" and ispresent(kind)
            | fields coalesce(id, record.id) as who
            | stats count(*) as n, min(@timestamp) as since, max(ms) as most by who
            | sort n desc
            | limit 10"#;
        let query = Query::parse(text).unwrap();
        let expected =
            json!([{ "n": 2, "since": "1", "most": 5, "who": "x" }, { "n": 1, "since": "2", "most": 40, "who": "y" }]);
        assert_eq!(json!(query.rows(&lines)), expected);
        assert_eq!(query.fields(), BTreeSet::from(["@timestamp", "id", "kind", "ms", "record.id"]));
        let shown = Query::parse("filter ispresent(ms) | fields kind, ms, absent | sort ms desc | limit 1").unwrap();
        assert_eq!(json!(shown.rows(&lines)), json!([{ "kind": "a", "ms": 40 }]));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for query in [
            "fields a | sort a desc | limit 1",
            "filter a = 1 | sort a desc | limit 1",
            "filter a like /b/ | sort a desc | limit 1",
            "filter a = \"b\" | sort a asc | limit 1",
            "filter a = \"b\" | parse a | sort a desc | limit 1",
            "filter a = \"b\" | sort a desc",
            "filter a = \"b",
            "filter a = \"b\" | stats count(*) by a | sort a desc | limit 1",
        ] {
            assert!(Query::parse(query).is_err(), "{query}");
        }
    }
}
