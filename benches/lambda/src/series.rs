//! Who runs against whom.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::material::{AUDIENCE, Event, ISSUER, Kind, Material, SCOPE, routes};
use crate::subject::{Answer, Calls, Subject};

/// Subjects that take turns.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) rounds: usize,
    pub(crate) quick_rounds: usize,
    pub(crate) subjects: Vec<Entry>,
}

/// A subject and the one that its numbers are divided by.
pub(crate) struct Entry {
    pub(crate) subject: Subject,
    pub(crate) against: &'static str,
}

pub(crate) const AUTHORIZER: &str = "authorizer";
pub(crate) const CONTROL: &str = "the same binary again";
pub(crate) const OTHER: &str = "the other binary";
pub(crate) const FLOOR: &str = "floor";
pub(crate) const NULL: &str = "null handler";
pub(crate) const HS256: &str = "HS256";
pub(crate) const FLOOR_HS256: &str = "floor, HS256";
pub(crate) const FETCHED: &str = "keys fetched at start";
pub(crate) const TEN: &str = "10 routes";
pub(crate) const TEN_THOUSAND: &str = "10,000 routes";
pub(crate) const NODE: &str = "Node, aws-jwt-verify";
pub(crate) const NODE_AUTH0: &str = "Node, jsonwebtoken and jwks-rsa";
pub(crate) const PYTHON: &str = "Python, PyJWT";

/// Machine code is warm at once.
const COMPILED: Calls = Calls { before: 50, measured: 300 };
/// V8 optimizes what has run often.
const NODE_CALLS: Calls = Calls { before: 3000, measured: 1000 };
const PYTHON_CALLS: Calls = Calls { before: 200, measured: 500 };

/// What there is to run.
pub(crate) struct Programs {
    authorizer: PathBuf,
    control: PathBuf,
    other: Option<PathBuf>,
    floor: PathBuf,
    null: PathBuf,
    node: Option<PathBuf>,
    python: Option<PathBuf>,
    peers: PathBuf,
}

impl Programs {
    /// What `benches/lambda/run` has put into a directory. A peer that is not there is left out.
    pub(crate) fn find(repository: &Path, built: &Path) -> Result<Self, Box<dyn Error>> {
        let here = |name: &str| built.join(name);
        let there = |name: &str| Some(here(name)).filter(|path| path.exists());
        let node = there("node/node").map(|link| link.canonicalize()).transpose()?;
        Ok(Self {
            authorizer: here("authorizer"),
            control: here("control"),
            other: there("other"),
            floor: here("floor"),
            null: here("null"),
            node,
            python: there("python/bin/python"),
            peers: repository.join("benches/lambda/peers"),
        })
    }
}

pub(crate) fn all(material: &Material, programs: &Programs, api: &str) -> Result<Vec<Series>, Box<dyn Error>> {
    let file = json!({ "jwks_file": "jwks.json" });
    let secret = json!({ "secret": { "file": "secret.txt" } });
    let configuration = material.configuration("authorizer.json", &routes(50, true), file.clone(), json!({}))?;
    let permits = material.events("RS256", Kind::Permit)?;

    let subject = |name, program: &Path, configuration: &str, events: &[Event], answer| Subject {
        name,
        command: vec![program.to_owned()],
        directory: material.directory.clone(),
        environment: vec![("AUTHORIZER_CONFIG_FILE", configuration.to_owned())],
        events: events.to_vec(),
        answer,
        calls: COMPILED,
    };
    let authorizer = || subject(AUTHORIZER, &programs.authorizer, &configuration, &permits, Answer::Allow);
    let control = || subject(CONTROL, &programs.control, &configuration, &permits, Answer::Allow);
    let variant =
        |name, configuration: &str| subject(name, &programs.authorizer, configuration, &permits, Answer::Allow);
    let peer = |name, command: Vec<PathBuf>, directory: PathBuf, events: &[Event], calls| Subject {
        name,
        command,
        directory,
        environment: [
            ("ISSUER", ISSUER.to_owned()),
            ("AUDIENCE", AUDIENCE.to_owned()),
            ("SCOPE", SCOPE.to_owned()),
            ("JWKS_FILE", material.file("jwks.json")),
        ]
        .to_vec(),
        events: events.to_vec(),
        answer: Answer::Allow,
        calls,
    };
    let rust_peer = |name, program: &Path, events| {
        peer(name, vec![program.to_owned()], material.directory.clone(), events, COMPILED)
    };
    let against = |against, subjects: Vec<Subject>| -> Vec<Entry> {
        subjects.into_iter().map(|subject| Entry { subject, against }).collect()
    };

    let mut floor = Series {
        name: "floor",
        title: "The authorizer, the floor and the null handler",
        rounds: 300,
        quick_rounds: 60,
        subjects: against(
            FLOOR,
            vec![
                authorizer(),
                control(),
                rust_peer(FLOOR, &programs.floor, &permits),
                rust_peer(NULL, &programs.null, &permits),
            ],
        ),
    };

    if let Some(other) = &programs.other {
        let other = subject(OTHER, other, &configuration, &permits, Answer::Allow);
        floor.subjects.extend(against(AUTHORIZER, vec![other]));
    }

    let fetched = json!({ "jwks_uri": format!("http://{api}/jwks.json") });
    let fetched = material.configuration("fetched.json", &routes(50, true), fetched, json!({}))?;
    let literal = material.configuration("literal.json", &routes(50, false), file.clone(), json!({}))?;
    let single = json!({ "policy": "single_request" });
    let single = material.configuration("single.json", &routes(50, true), file.clone(), single)?;
    let absent = json!({ "undeclared_routes": "absent" });
    let absent = material.configuration("absent.json", &routes(50, true), file.clone(), absent)?;
    let ten = material.configuration("ten.json", &routes(10, true), file.clone(), json!({}))?;
    let ten_thousand = material.configuration("ten-thousand.json", &routes(10_000, true), file, json!({}))?;
    let hs256 = material.configuration("hs256.json", &routes(50, true), secret, json!({}))?;
    let hs256_permits = material.events("HS256", Kind::Permit)?;
    let mut floor_hs256 = rust_peer(FLOOR_HS256, &programs.floor, &hs256_permits);
    floor_hs256.environment.push(("SECRET_FILE", material.file("secret.txt")));
    let mut variants = against(
        AUTHORIZER,
        vec![
            authorizer(),
            control(),
            variant(FETCHED, &fetched),
            Subject { events: material.literal_events()?, ..variant("no path parameters", &literal) },
            variant("undeclared_routes: absent", &absent),
            variant("policy: single_request", &single),
        ],
    );
    variants.extend(against(TEN, vec![variant(TEN, &ten), variant(TEN_THOUSAND, &ten_thousand)]));
    let hs256 = subject(HS256, &programs.authorizer, &hs256, &hs256_permits, Answer::Allow);
    variants.extend(against(FLOOR_HS256, vec![hs256, floor_hs256]));
    let variants =
        Series { name: "variants", title: "Other configurations", rounds: 100, quick_rounds: 20, subjects: variants };

    let refusal = |name, kind| -> Result<Subject, Box<dyn Error>> {
        Ok(subject(name, &programs.authorizer, &configuration, &material.events("RS256", kind)?, Answer::Deny))
    };
    let refusals = Series {
        name: "refusals",
        title: "Refusals, which are logged, and permits, which are not",
        rounds: 100,
        quick_rounds: 20,
        subjects: against(
            AUTHORIZER,
            vec![
                authorizer(),
                control(),
                refusal("malformed token", Kind::Malformed)?,
                refusal("unsigned token", Kind::Unsigned)?,
                refusal("bad signature", Kind::BadSignature)?,
                refusal("expired", Kind::Expired)?,
                refusal("undeclared route", Kind::UnknownRoute)?,
                refusal("insufficient scope", Kind::InsufficientScope)?,
            ],
        ),
    };

    let mut others = vec![authorizer(), control()];
    if let Some(node) = &programs.node {
        for (name, program) in [(NODE, "aws-jwt-verify.js"), (NODE_AUTH0, "auth0.js")] {
            let directory = fs::canonicalize(material.directory.join("../node"))?;
            let command = vec![node.clone(), PathBuf::from("runtime.js"), PathBuf::from(program)];
            others.push(peer(name, command, directory, &permits, NODE_CALLS));
        }
    }
    if let Some(python) = &programs.python {
        let command = [python.as_path(), Path::new("-m"), Path::new("awslambdaric"), Path::new("handler.handler")];
        let command = command.map(Path::to_owned).to_vec();
        others.push(peer(PYTHON, command, programs.peers.join("python"), &permits, PYTHON_CALLS));
    }
    let others = Series {
        name: "peers",
        title: "Other languages",
        rounds: 20,
        quick_rounds: 4,
        subjects: against(AUTHORIZER, others),
    };
    Ok(vec![floor, variants, refusals, others])
}

/// The names of all refusals that are measured.
pub(crate) fn is_refusal(name: &str) -> bool {
    ["malformed token", "unsigned token", "bad signature", "expired", "undeclared route", "insufficient scope"]
        .contains(&name)
}
