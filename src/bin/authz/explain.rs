//! `authz explain`: how a request is decided, step by step.

use std::path::{Path, PathBuf};
use std::time::Duration;

use apigw_jwt_authorizer::explain::{Effect, Explanation, Outcome, Step, event};
use clap::Args;
use serde_json::Value;

use crate::check::methods;
use crate::page::{Colour, Page};
use crate::{Failure, TOKEN_IN_ARGUMENTS, authorizer, configuration, looks_like_a_token, moment, read};

pub(crate) const ABOUT: &str =
    "Says what is decided and why: the usual cause, the step that refuses, and each step with the values
that it compares. --policy adds the answer, and what it does to every declared route once cached.

The token comes from a file or from standard input, never from the command line, which other users
of the machine can see. What is printed holds the token's claims.";

/// What stands before what to do.
const ADVICE: (&str, usize, Option<Colour>) = ("to do", 7, Some(Colour::Yellow));

/// What to explain.
#[derive(Args)]
#[command(after_help = "Examples:
  pbpaste | authz explain --token - \"GET /orders/17\"
  authz explain --token token.txt --config authorizer.json --at 2026-01-31T12:00:00Z \"GET /pets\"
  authz explain event.json                 a TOKEN event, as the gateway sends it
  authz explain --policy event.json        and the policy
  authz explain --json event.json | jq .hint

Exit status: 0 whatever the decision, 1 for input that cannot be used, 2 for a mistake in the
configuration.")]
pub(crate) struct Arguments {
    /// `METHOD /path`, or the file of a TOKEN event
    request: String,
    /// The file of the token, `-` for standard input; it may begin with `Bearer`
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// The configuration; without it, as the authorizer finds it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Decides as if it were this time: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Duration>,
    /// Shows the policy that the gateway gets, and what it does once it is cached
    #[arg(long)]
    policy: bool,
    /// Prints JSON, for programs; it has the policy always
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<String, Failure> {
    let token = arguments.token.as_ref().map(|file| file.to_string_lossy());
    if looks_like_a_token(&arguments.request) || token.is_some_and(|token| looks_like_a_token(&token)) {
        return Err(TOKEN_IN_ARGUMENTS.to_owned().into());
    }
    let authorizer = authorizer(configuration(arguments.config.as_ref())?.config, arguments.at)?;
    let event = request(arguments)?;
    let explanation = authorizer.explain(&event).await;
    Ok(match arguments.json {
        true => {
            let text = serde_json::to_string_pretty(&explanation).map_err(|error| error.to_string())?;
            format!("{text}\n")
        }
        false => page(&explanation, arguments.policy),
    })
}

/// The event to decide.
fn request(arguments: &Arguments) -> Result<Vec<u8>, String> {
    let token = match &arguments.token {
        None => None,
        Some(file) => Some(header(file)?),
    };
    let Some((method, path)) = arguments.request.split_once(' ') else {
        let bytes = read(Path::new(&arguments.request))?;
        let mut event: Value = serde_json::from_slice(&bytes)
            .map_err(|_| format!("{} is not JSON; a request is `METHOD /path`", arguments.request))?;
        return match (token, event.as_object_mut()) {
            (Some(token), Some(members)) => {
                members.insert("authorizationToken".to_owned(), token.into());
                Ok(event.to_string().into_bytes())
            }
            _ => Ok(bytes),
        };
    };
    let path = path.trim();
    if !path.starts_with('/') || method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err("expected a request such as \"GET /orders/17\": a method in capital letters, and a path".to_owned());
    }
    // The gateway leaves the query out of `methodArn`.
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    Ok(event(token.as_deref(), method, path).into_bytes())
}

/// The value of the token header.
pub(crate) fn header(file: &Path) -> Result<String, String> {
    let text = String::from_utf8(read(file)?).map_err(|_| format!("{} is not text", file.display()))?;
    Ok(bearer(&text))
}

/// The value of the header of a token that may come without its scheme.
pub(crate) fn bearer(text: &str) -> String {
    let text = text.trim();
    match text.contains(' ') || text.is_empty() {
        true => text.to_owned(),
        false => format!("Bearer {text}"),
    }
}

fn page(explanation: &Explanation, policy: bool) -> String {
    let mut page = Page::stdout();
    verdict(&mut page, explanation);
    let sees = match explanation.client_sees {
        200 => "the backend's answer".to_owned(),
        status => status.to_string(),
    };
    page.row(&[("the client sees", 17, Some(Colour::Dim))], &sees);
    page.row(&[("decided for", 17, Some(Colour::Dim))], &explanation.at);
    if let Some(hint) = &explanation.hint {
        page.gap();
        page.row(&[("hint", 6, Some(Colour::Yellow))], hint.code);
        page.paragraph(6, hint.advice);
        if let Some(place) = &hint.place {
            page.paragraph(6, &format!("Here: {place}."));
        }
    }
    if let Some(advice) = &explanation.advice {
        page.gap();
        page.row(&[ADVICE], advice);
    }
    let refused = explanation.steps.iter().find(|step| step.outcome == Outcome::Refused);
    if let Some(refused) = refused {
        page.gap();
        page.heading("The step that refuses");
        step(&mut page, refused);
    }
    page.gap();
    page.heading("Steps");
    for taken in &explanation.steps {
        step(&mut page, taken);
    }
    if policy {
        answer(&mut page, explanation);
    }
    if let Some(refused) = refused {
        page.gap();
        verdict(&mut page, explanation);
        if let Some(hint) = &explanation.hint {
            page.row(&[("hint", 6, Some(Colour::Yellow))], hint.code);
        }
        if let Some(advice) = &explanation.advice {
            page.row(&[ADVICE], advice);
        }
        step(&mut page, refused);
    }
    page.finish()
}

/// The request, the decision and the reason.
fn verdict(page: &mut Page, explanation: &Explanation) {
    let (verdict, colour) = match explanation.decision {
        "allow" => ("ALLOWED", Colour::Green),
        "error" => ("NOT DECIDED", Colour::Red),
        _ => ("REFUSED", Colour::Red),
    };
    let asked = match (&explanation.method, &explanation.path) {
        (Some(method), Some(path)) => format!("{method} {path}"),
        _ => "an event that is not one".to_owned(),
    };
    let reason = explanation.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    page.row(&[(verdict, verdict.len().saturating_add(2), Some(colour))], &format!("{asked}{reason}"));
}

/// A step, with what it compared.
fn step(page: &mut Page, step: &Step) {
    let (mark, colour) = match step.outcome {
        Outcome::Passed => ("ok", Colour::Green),
        Outcome::Refused => ("NO", Colour::Red),
        Outcome::NotReached => ("-", Colour::Dim),
    };
    let columns = |first| match first {
        true => [("  ", 2, None), (mark, 4, Some(colour)), (step.name, 11, None)],
        false => [("  ", 2, None), ("", 4, None), ("", 11, None)],
    };
    if step.facts.is_empty() {
        page.row(&columns(true), "");
    }
    let widest = step.facts.iter().map(|(name, _)| name.chars().count()).max();
    let width = widest.unwrap_or_default().saturating_add(2);
    for (position, (name, value)) in step.facts.iter().enumerate() {
        let mut row = columns(position == 0).to_vec();
        row.push((name, width, Some(Colour::Dim)));
        page.row(&row, value);
    }
}

/// The answer, and what it does once it is cached.
fn answer(page: &mut Page, explanation: &Explanation) {
    page.gap();
    page.heading("Answer");
    page.raw(2, &format!("{:#}", explanation.answer));
    page.gap();
    let Some(cached) = &explanation.cached else {
        page.paragraph(0, "The gateway does not cache an error.");
        return;
    };
    page.heading("Once cached, for every request with this token");
    if let Some(until) = &cached.until {
        page.paragraph(2, &format!("what it allows ends at {until}"));
    }
    effects(page, &cached.effects);
}

/// One line for the methods of a path that fare alike.
fn effects(page: &mut Page, effects: &[Effect]) {
    let mut rows: Vec<(Vec<&'static str>, &Effect)> = Vec::new();
    for effect in effects {
        let alike = rows
            .last_mut()
            .filter(|(_, last)| last.path == effect.path && last.passes == effect.passes && last.rules == effect.rules);
        match alike {
            Some((methods, _)) => methods.push(effect.method),
            None => rows.push((vec![effect.method], effect)),
        }
    }
    let widest = rows.iter().map(|(names, _)| methods(names).chars().count()).max();
    let width = widest.unwrap_or_default().saturating_add(2).min(30);
    for (names, effect) in &rows {
        let (mark, colour) = match effect.passes {
            true => ("passes", Colour::Green),
            false => ("refused", Colour::Red),
        };
        let mut text = effect.path.clone();
        if effect.sample != effect.path {
            text = format!("{text}  (as {})", effect.sample);
        }
        if effect.rules.is_some_and(|rules| rules != effect.passes) {
            text = format!("{text}  although the rules say otherwise");
        }
        page.row(&[("  ", 2, None), (mark, 9, Some(colour)), (&methods(names), width, None)], &text);
    }
    if rows.is_empty() {
        page.paragraph(2, "no routes are declared");
    }
    if rows.iter().any(|(_, effect)| effect.rules.is_some_and(|rules| rules != effect.passes)) {
        page.paragraph(
            2,
            "This answer is right for its own request alone: with `policy` \"single_request\" set the cache time of the authorizer to 0 seconds, \
             or its identity sources to token, method and path.",
        );
    }
}
