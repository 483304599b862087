//! The series, each of which compares subjects with each other.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::material::{AUDIENCE, Event, ISSUER, Kind, Material, SCOPE, routes};
use crate::subject::{Answer, Calls, Subject};

type Failure = Box<dyn Error>;

/// Subjects that run in turn.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The time limit, so that a run also ends on a busy machine.
    pub(crate) seconds: u64,
    pub(crate) rounds: usize,
    pub(crate) subjects: Vec<Entry>,
}

/// A subject, and the name of the subject that its numbers are divided by.
pub(crate) struct Entry {
    pub(crate) subject: Subject,
    pub(crate) against: &'static str,
}

pub(crate) const AUTHORIZER: &str = "authorizer";
pub(crate) const CONTROL: &str = "the same binary again";
pub(crate) const FLOOR: &str = "floor";
pub(crate) const FETCHED: &str = "keys fetched at start";
pub(crate) const FLOOR_FETCHED: &str = "floor, keys fetched at start";
pub(crate) const TEN: &str = "10 routes";
pub(crate) const TEN_THOUSAND: &str = "10,000 routes";
pub(crate) const NODE: &str = "Node, aws-jwt-verify";
/// Long answers: the names of the authorizer and the verifier, the number of routes in addition to ten, and the bytes
/// in addition to one Resource.
pub(crate) const ANSWERS: [(&str, &str, usize, usize); 2] =
    [("an answer of 3 KB", "verifier, 3 KB", 9, 2700), ("an answer of 8 KiB", "verifier, 8 KiB", 39, 7530)];
pub(crate) const REFUSALS: [(&str, Kind); 6] = [
    ("malformed token", Kind::Malformed),
    ("unsigned token", Kind::Unsigned),
    ("bad signature", Kind::BadSignature),
    ("expired", Kind::Expired),
    ("undeclared route", Kind::UndeclaredRoute),
    ("insufficient scope", Kind::InsufficientScope),
];

const CALLS: Calls = Calls { before: 50, measured: 300 };
/// Interpreters get faster with time, so every subject in a series with them gets warm-up calls.
const MORE_CALLS: Calls = Calls { before: 500, measured: 500 };
/// Enough calls for Node's compiler to finish.
const MANY_CALLS: Calls = Calls { before: 4000, measured: 500 };

/// The programs to run, where `benches/lambda/run` put them.
pub(crate) struct Bench<'a> {
    material: &'a Material,
    built: PathBuf,
    configuration: String,
    permits: Vec<Event>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(material: &'a Material, built: &Path) -> Result<Self, Failure> {
        Ok(Self {
            material,
            built: built.to_owned(),
            configuration: material.configuration("authorizer.json", &routes(50, true), key_file(), json!({}))?,
            permits: material.events("RS256", Kind::Permit)?,
        })
    }

    pub(crate) fn series(&self, api: &str) -> Result<Vec<Series>, Failure> {
        Ok(vec![self.floor(), self.variants(api)?, self.answers()?, self.refusals()?, self.languages()?])
    }

    /// The authorizer, the floor and the null handler.
    fn floor(&self) -> Series {
        let subjects = vec![self.floor_peer(FLOOR), self.peer("null handler", vec![self.built.join("null")], CALLS)];
        let mut subjects = against(FLOOR, [self.pair(), subjects].concat());
        let program = |name, program| self.peer(name, vec![self.built.join(program)], CALLS);
        let dynamic = self.authorizer("the authorizer, linked dynamically", "dynamic", &self.configuration);
        subjects.extend(against(AUTHORIZER, vec![dynamic, program("the floor, linked statically", "floor-static")]));
        if self.built.join("other").exists() {
            let other = self.authorizer("the other binary", "other", &self.configuration);
            subjects.extend(against(AUTHORIZER, vec![other]));
        }
        let title = "The authorizer, the floor and the null handler";
        Series { name: "floor", title, seconds: 80, rounds: 400, subjects }
    }

    /// Other configurations.
    fn variants(&self, api: &str) -> Result<Series, Failure> {
        let variant = |name, routes: &[Value], issuer, more| -> Result<Subject, Failure> {
            let file = format!("{}.json", str::replace(name, [' ', ':', ','], "-"));
            let configuration = self.material.configuration(&file, routes, issuer, more)?;
            Ok(self.authorizer(name, "authorizer", &configuration))
        };
        let fetched = json!({ "jwks_uri": format!("http://{api}/jwks.json") });
        let single = json!({ "policy": "single_request" });
        let absent = json!({ "undeclared_routes": "absent" });
        let literal = variant("no path parameters", &routes(50, false), key_file(), json!({}))?;
        let own_scopes = self.authorizer("each token with scopes of its own", "authorizer", &self.configuration);
        let mut subjects = self.pair();
        subjects.extend([
            Subject { events: self.material.events("RS256", Kind::OwnScopes)?, ..own_scopes },
            variant(FETCHED, &routes(50, true), fetched, json!({}))?,
            Subject { events: self.material.events("RS256", Kind::LiteralPermit)?, ..literal },
            variant("undeclared_routes: absent", &routes(50, true), key_file(), absent)?,
            variant("policy: single_request", &routes(50, true), key_file(), single)?,
        ]);
        let mut subjects = against(AUTHORIZER, subjects);
        let mut fetching = self.floor_peer(FLOOR_FETCHED);
        fetching.environment.push(("JWKS_HOST", api.to_owned()));
        subjects.extend(against(FLOOR, vec![self.floor_peer(FLOOR), fetching]));

        let ten = variant(TEN, &routes(10, true), key_file(), json!({}))?;
        let ten_thousand = variant(TEN_THOUSAND, &routes(10_000, true), key_file(), json!({}))?;
        subjects.extend(against(TEN, vec![ten, ten_thousand]));

        let events = self.material.events("HS256", Kind::Permit)?;
        let hs256 = variant("HS256", &routes(50, true), json!({ "secret": { "file": "secret.txt" } }), json!({}))?;
        let mut floor = self.floor_peer("floor, HS256");
        floor.environment.push(("SECRET_FILE", self.material.file("secret.txt")));
        let hs256 = [hs256, floor].map(|subject| Subject { events: events.clone(), ..subject });
        subjects.extend(against("floor, HS256", hs256.to_vec()));
        Ok(Series { name: "variants", title: "Other configurations", seconds: 90, rounds: 150, subjects })
    }

    /// Long answers of the authorizer, compared with equally long ones of a verifier without routes.
    fn answers(&self) -> Result<Series, Failure> {
        let mut subjects = Vec::new();
        let absent = json!({ "undeclared_routes": "absent" });
        for (name, peer, more, bytes) in ANSWERS {
            let mut table = routes(10, false);
            table.extend((0..more).map(
                |number| json!({ "method": "GET", "path": format!("/movies/part-{number}"), "scopes": "read:movies" }),
            ));
            let file = format!("{more}-more-routes.json");
            let configuration = self.material.configuration(&file, &table, key_file(), absent.clone())?;
            let mut verifier = self.peer(peer, vec![self.built.join("verifier")], CALLS);
            verifier.environment.push(("MORE_BYTES", bytes.to_string()));
            let pair = [self.authorizer(name, "authorizer", &configuration), verifier];
            let events = self.material.events("RS256", Kind::LiteralPermit)?;
            subjects.extend(against(peer, pair.map(|subject| Subject { events: events.clone(), ..subject }).to_vec()));
        }
        Ok(Series { name: "answers", title: "Answers of some length", seconds: 60, rounds: 200, subjects })
    }

    fn refusals(&self) -> Result<Series, Failure> {
        let mut subjects = self.pair();
        for (name, kind) in REFUSALS {
            let events = self.material.events("RS256", kind)?;
            let subject = self.authorizer(name, "authorizer", &self.configuration);
            let refusal = Subject { events, answer: Answer::Deny, ..subject };
            if kind == Kind::InsufficientScope {
                let mut quiet = Subject { name: "insufficient scope, log level WARN", ..refusal.clone() };
                quiet.environment.push(("AWS_LAMBDA_LOG_LEVEL", "WARN".to_owned()));
                subjects.push(quiet);
            }
            subjects.push(refusal);
        }
        let title = "Refusals, which are logged, and permits, which are not";
        Ok(Series { name: "refusals", title, seconds: 60, rounds: 150, subjects: against(AUTHORIZER, subjects) })
    }

    /// Authorizers in other languages, if they are installed.
    fn languages(&self) -> Result<Series, Failure> {
        let warmer = |subject: Subject| Subject { calls: MORE_CALLS, ..subject };
        let mut subjects: Vec<_> = self.pair().into_iter().map(warmer).collect();
        subjects.push(warmer(self.floor_peer(FLOOR)));
        let node = self.built.join("node");
        if let Ok(program) = fs::canonicalize(node.join("node")) {
            let own_loop = |name, handler: &str, calls| {
                let command = vec![program.clone(), PathBuf::from("runtime.js"), PathBuf::from(handler)];
                Subject { directory: node.clone(), ..self.peer(name, command, calls) }
            };
            subjects.push(own_loop(NODE, "aws-jwt-verify.js", MORE_CALLS));
            subjects.push(own_loop("... after 4,000 calls", "aws-jwt-verify.js", MANY_CALLS));
            let client = node.join("node_modules/aws-lambda-ric");
            if client.join("rapid-client.node").exists() {
                let command = vec![program.clone(), client.join("index.mjs")];
                let mut subject = self.peer("... under aws-lambda-ric", command, MORE_CALLS);
                subject.environment.push(("_HANDLER", "aws-jwt-verify.handler".to_owned()));
                subjects.push(Subject { directory: node.clone(), ..subject });
            }
            subjects.push(own_loop("Node, jsonwebtoken and jwks-rsa", "auth0.js", MORE_CALLS));
        }
        let directory = self.built.join("python");
        let python = directory.join("bin/python");
        if python.exists() {
            let client = ["-m", "awslambdaric", "handler.handler"].map(PathBuf::from);
            let subject = self.peer("Python, PyJWT", [vec![python], client.to_vec()].concat(), MORE_CALLS);
            subjects.push(Subject { directory, ..subject });
        }
        let subjects = against(AUTHORIZER, subjects);
        Ok(Series { name: "languages", title: "Other languages", seconds: 100, rounds: 30, subjects })
    }

    /// The authorizer and its control.
    fn pair(&self) -> Vec<Subject> {
        vec![
            self.authorizer(AUTHORIZER, "authorizer", &self.configuration),
            self.authorizer(CONTROL, "control", &self.configuration),
        ]
    }

    fn authorizer(&self, name: &'static str, program: &str, configuration: &str) -> Subject {
        let environment = vec![("AUTHORIZER_CONFIG_FILE", configuration.to_owned())];
        Subject { environment, ..self.peer(name, vec![self.built.join(program)], CALLS) }
    }

    fn floor_peer(&self, name: &'static str) -> Subject {
        self.peer(name, vec![self.built.join("floor")], CALLS)
    }

    fn peer(&self, name: &'static str, command: Vec<PathBuf>, calls: Calls) -> Subject {
        let environment = vec![
            ("ISSUER", ISSUER.to_owned()),
            ("AUDIENCE", AUDIENCE.to_owned()),
            ("SCOPE", SCOPE.to_owned()),
            ("JWKS_FILE", self.material.file("jwks.json")),
        ];
        let directory = self.material.directory.clone();
        Subject { name, command, directory, environment, events: self.permits.clone(), answer: Answer::Allow, calls }
    }
}

fn key_file() -> Value {
    json!({ "jwks_file": "jwks.json" })
}

fn against(against: &'static str, subjects: Vec<Subject>) -> Vec<Entry> {
    subjects.into_iter().map(|subject| Entry { subject, against }).collect()
}
