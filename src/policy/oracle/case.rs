//! Checks one table, token and request: soundness, exactness, no false refusals, and size budgets.

use std::collections::BTreeSet;

use super::iam::Document;
use super::rules::{Judge, Mode, Reading, Rules, Token};
use super::{STAGE, answer, json, routes};
use crate::policy::Plan;

/// The approximate number of bytes that an answer leaves for the policy.
pub(crate) const ROOM: usize = 7936;

/// One table, token and request, and the segments to build other paths from.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) rules: Rules,
    pub(crate) token: Token,
    pub(crate) request: String,
    pub(crate) segments: Vec<&'static str>,
    pub(crate) methods: Vec<&'static str>,
    pub(crate) room: usize,
    pub(crate) phase: usize,
}

impl Case {
    /// A case whose other paths are built from up to three literals of the table and two undeclared texts. `extra`
    /// chooses one of the texts and a method.
    pub(crate) fn new(
        literals: &[&'static str],
        rules: Rules,
        token: Token,
        request: String,
        room: usize,
        extra: usize,
        phase: usize,
    ) -> Self {
        let declared =
            |literal: &&str| rules.entries.iter().any(|entry| entry.path.split('/').any(|part| part == *literal));
        let segments: BTreeSet<&'static str> = literals.iter().copied().filter(declared).collect();
        let mut segments: Vec<&'static str> = segments.into_iter().take(3).collect();
        segments.push("zz");
        segments.push(["u1", "me", "a b", "b"][extra]);
        segments.dedup();
        let methods = vec!["GET", "POST", ["PUT", "OPTIONS", "HEAD", "FOO"][extra]];
        Self { rules, token, request, segments, methods, room, phase }
    }
}

/// The result of checking a case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Held,
    NoTable,
    TableRefused,
}

/// Checks a case.
pub(crate) fn judge(case: &Case) -> Result<Outcome, String> {
    let Some(routes) = routes(&case.rules) else {
        return Ok(Outcome::NoTable);
    };
    let Ok((plan, _)) = Plan::new(&routes) else {
        return Ok(Outcome::TableRefused);
    };
    let (policy, left_out) = answer(&routes, &plan, &case.token, &case.request, case.room);
    let text = serde_json::to_string(&policy).unwrap();
    // Up to 512 bytes are always accepted: a Deny must be sent even without room, and the frame counts an Allow and a Deny
    // with a condition.
    if text.len() > case.room.max(512) {
        return Err(format!("{} bytes for {}: {text}", text.len(), case.room));
    }
    let document = Document::new(&json(&policy), STAGE);
    let rules = Judge::new(&case.rules);
    let asked_of =
        |tail: &str| tail.split_once('/').map(|(method, path)| (method.to_owned(), rules.read(path))).unwrap();
    let (asked_method, asked) = asked_of(&case.request);
    // A request that is not ordinary may reduce the rest of the policy.
    let ordinary =
        !rules.allow(&case.token, &asked_method, &asked) || rules.ordinary(&case.token, &asked_method, &asked);
    let verdict = |tail: &str, path: &Reading| -> Result<(), String> {
        let (method, _) = tail.split_once('/').unwrap();
        let (wanted, given) = (rules.allow(&case.token, method, path), document.allows(tail));
        let aside = path.ambiguous_a && !path.ambiguous_b && !rules.ambiguous_c(method, path)
            || case.rules.mode == Mode::Absent && !rules.declared(method, path);
        if given && !wanted && !aside {
            return Err(format!("unsound: allows {tail}\n{text}"));
        }
        let narrower =
            left_out > 0 || !ordinary || case.request.contains(['%', '*', '?']) || case.request.contains("${");
        if wanted && !given && !narrower && rules.ordinary(&case.token, method, path) {
            return Err(format!("refuses {tail}\n{text}"));
        }
        Ok(())
    };
    let (method, path) = case.request.split_once('/').unwrap();
    let reading = rules.read(path);
    let (wanted, given) = (rules.allow(&case.token, method, &reading), document.allows(&case.request));
    // A long request needs a wildcard, which may not fit. No wildcard exists for an unknown method, for encoded
    // characters, or below a refused route.
    let short = case.request.len() < 400;
    let writable = || case.room == ROOM && !case.request.contains('%') && ordinary;
    let fits = if short { case.room >= 600 } else { writable() };
    if wanted != given && (given || fits) {
        return Err(format!("the request is {wanted} by the rules and {given} by the policy\n{text}"));
    }
    for path in paths(&case.segments, case.phase) {
        let reading = rules.read(&path);
        for method in &case.methods {
            verdict(&format!("{method}/{path}"), &reading)?;
        }
    }
    Ok(Outcome::Held)
}

/// All paths of these segments up to depth 4, with and without a trailing slash, and short ones with one problematic
/// segment. Below the first segment, each phase tries a quarter of the problematic segments.
fn paths(segments: &[&str], phase: usize) -> Vec<String> {
    let mut paths = vec![String::new(), "/".to_owned(), "//".to_owned(), "/x".to_owned(), "%2F".to_owned()];
    let troubles = troubles(segments);
    let mut level = vec![String::new()];
    for depth in 0..4 {
        let longer = |before: &String, segment: &str| match depth {
            0 => segment.to_owned(),
            _ => format!("{before}/{segment}"),
        };
        if depth > 0 && depth < 3 {
            for trouble in troubles.iter().skip(phase).step_by(4) {
                for before in &level {
                    paths.push(format!("{before}/{trouble}"));
                    paths.push(format!("{trouble}/{before}"));
                    paths.push(format!("{before}/{trouble}/"));
                    if let Some((first, rest)) = before.split_once('/') {
                        paths.push(format!("{first}/{trouble}/{rest}"));
                        paths.push(format!("{first}/{trouble}/{rest}/"));
                    }
                }
            }
        }
        if depth == 0 {
            paths.extend(troubles.iter().cloned());
        }
        level = level.iter().flat_map(|before| segments.iter().map(move |segment| longer(before, segment))).collect();
        paths.extend(level.iter().cloned());
        paths.extend(level.iter().map(|path| format!("{path}/")));
    }
    paths
}

fn troubles(segments: &[&str]) -> Vec<String> {
    let mut troubles: Vec<String> = [
        "", ".", "..", "\\", "%2e%2E", "x%2Fy", "x%2fy", "%5c", "a%20b", "%25", ".a", "a*", "%zz", "%0A", "a;b",
        "x%3By", "%3b",
    ]
    .map(str::to_owned)
    .into();
    for segment in segments.iter().filter(|segment| segment.is_ascii()) {
        if let Some(letter) = segment.chars().next_back() {
            let rest = &segment[..segment.len() - 1];
            troubles.push(format!("{rest}%{:02x}", u32::from(letter)));
            troubles.push(format!("{rest}%{:02X}", u32::from(letter)));
        }
    }
    troubles.sort();
    troubles.dedup();
    troubles
}
