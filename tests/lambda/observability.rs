//! What `template.yaml` sees of the function with `Observability`: its metric filters, alarms, saved queries and dashboard, held against
//! lines that the real program writes.

#[path = "../support/filter_pattern.rs"]
mod filter_pattern;
#[path = "../support/insights.rs"]
mod insights;
#[path = "../../src/bin/authz/api/text.rs"]
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::LazyLock;

use serde_json::{Value, json};

use self::filter_pattern::{Pattern, Selector};
use self::insights::Query;
use crate::clocks::LIBRARIES;
use crate::support::api::{
    AUDIENCE, KEYS, claims, config, config_with, event, event_with, healing_tokens, invalid_tokens, lambda,
    malformed_events, secret_token,
};
use crate::support::endpoint::Endpoint;
use crate::support::http::Reply;
use crate::support::{Finished, KeyServer, Lambda, Process, Scratch, eventually, jwks, key};

/// How `template.yaml` sets the log.
pub(crate) const JSON: (&str, &str) = ("AWS_LAMBDA_LOG_FORMAT", "JSON");

/// How often each metric was counted: `Refusals`, or with a dimension `Errors ErrorType=KeysUnavailable`.
pub(crate) type Counts = BTreeMap<String, usize>;

/// What the template watches.
pub(crate) struct Watch {
    filters: Vec<Filter>,
    alarms: Vec<Alarm>,
    pub(crate) queries: BTreeMap<String, Query>,
    dashboard: String,
}

struct Filter {
    pattern: Pattern,
    metric: String,
    dimension: Option<(String, Selector)>,
    has_default: bool,
}

struct Alarm {
    name: String,
    properties: Value,
    /// The metric that it is on, of the program or of Lambda: `Refusals`, or `AWS/Lambda Throttles`.
    on: String,
}

static WATCH: LazyLock<Watch> = LazyLock::new(|| {
    let template = text::parse(&std::fs::read_to_string("template.yaml").unwrap()).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let of = |kind: &'static str| {
        resources.values().filter(move |resource| resource["Type"] == kind).map(|resource| {
            assert_eq!(resource["Condition"], "WithObservability", "{resource}");
            &resource["Properties"]
        })
    };
    let name = |value: &Value| {
        let named = value["Fn::Sub"].as_str().unwrap().strip_prefix("${AWS::StackName}").unwrap();
        named.trim_start_matches(['-', '/']).to_owned()
    };
    let [dashboard] = of("AWS::CloudWatch::Dashboard").collect::<Vec<_>>().try_into().unwrap();
    Watch {
        filters: of("AWS::Logs::MetricFilter").map(Filter::new).collect(),
        alarms: of("AWS::CloudWatch::Alarm").map(|alarm| Alarm::new(name(&alarm["AlarmName"]), alarm)).collect(),
        queries: of("AWS::Logs::QueryDefinition")
            .map(|query| (name(&query["Name"]), Query::parse(query["QueryString"].as_str().unwrap()).unwrap()))
            .collect(),
        dashboard: dashboard["DashboardBody"]["Fn::Sub"].as_str().unwrap().to_owned(),
    }
});

/// What the template watches.
pub(crate) fn watch() -> &'static Watch {
    &WATCH
}

impl Filter {
    fn new(properties: &Value) -> Self {
        assert_eq!(properties["LogGroupName"], json!({ "Ref": "AuthorizerLogGroup" }));
        let [metric] = properties["MetricTransformations"].as_array().unwrap().as_slice() else {
            panic!("CloudWatch takes one transformation: {properties}");
        };
        assert_eq!(metric["MetricValue"], "1");
        assert_eq!(metric["MetricNamespace"], json!({ "Fn::Sub": "JwtAuthorizer/${AWS::StackName}" }));
        let dimensions = metric.get("Dimensions").map_or(&[][..], |dimensions| dimensions.as_array().unwrap());
        let dimensions: Vec<_> = dimensions
            .iter()
            .map(|one| {
                (one["Key"].as_str().unwrap().to_owned(), Selector::parse(one["Value"].as_str().unwrap()).unwrap())
            })
            .collect();
        assert!(dimensions.len() <= 1, "two dimensions multiply what a metric costs: {properties}");
        Self {
            pattern: Pattern::parse(properties["FilterPattern"].as_str().unwrap()).unwrap(),
            metric: metric["MetricName"].as_str().unwrap().to_owned(),
            dimension: dimensions.into_iter().next(),
            has_default: metric.get("DefaultValue").is_some(),
        }
    }
}

impl Alarm {
    fn new(name: String, properties: &Value) -> Self {
        let metrics = properties["Metrics"].as_array().into_iter().flatten();
        let mut metrics =
            metrics.map(|metric| &metric["MetricStat"]["Metric"]).filter(|metric| metric["Namespace"].is_object());
        let metric = metrics.next().unwrap_or(properties);
        if metric["Namespace"] == "AWS/Lambda" {
            let of_the_function = json!([{ "Name": "FunctionName", "Value": { "Ref": "AuthorizerFunction" } }]);
            assert_eq!(metric["Dimensions"], of_the_function, "{name}");
            let on = format!("AWS/Lambda {}", metric["MetricName"].as_str().unwrap());
            return Self { name, properties: properties.clone(), on };
        }
        assert_eq!(metric["Namespace"], json!({ "Fn::Sub": "JwtAuthorizer/${AWS::StackName}" }), "{name}");
        let mut on = metric["MetricName"].as_str().unwrap().to_owned();
        for dimension in metric["Dimensions"].as_array().into_iter().flatten() {
            on += &format!(" {}={}", dimension["Name"].as_str().unwrap(), dimension["Value"].as_str().unwrap());
        }
        Self { name, properties: properties.clone(), on }
    }

    /// How many periods it looks at, and how many of them have to be bad.
    fn periods(&self) -> (u64, u64) {
        let or_one = |property: &str| self.properties.get(property).and_then(Value::as_u64).unwrap_or(1);
        (or_one("EvaluationPeriods"), or_one("DatapointsToAlarm"))
    }

    /// Whether it rings at any time, if its metric has these counts in periods that follow each other.
    fn rings_over(&self, counts: &[usize]) -> bool {
        let (looked_at, bad) = self.periods();
        let bad_in = |counts: &[usize]| {
            counts.iter().filter(|count| self.rings(&Counts::from([(self.on.clone(), **count)]), 0)).count()
        };
        let looked_at = counts.len().min(usize::try_from(looked_at).unwrap());
        counts.windows(looked_at).any(|counts| bad_in(counts) >= usize::try_from(bad).unwrap())
    }

    /// Whether it would ring if all this happened within each of its periods and nothing else. For a share: whether all invocations
    /// of the program, which are so many, would be most refused.
    fn rings(&self, counts: &Counts, invocations: usize) -> bool {
        let count = counts.get(&self.on).copied().unwrap_or(0);
        let threshold = usize::try_from(self.properties["Threshold"].as_u64().unwrap()).unwrap();
        if self.properties.get("Metrics").is_some() {
            assert_eq!(
                self.properties["Metrics"][0]["Expression"],
                "IF((invocations >= 50) OR ((invocations >= 5) AND (FILL(refusals, 0) >= invocations)), \
                 100 * FILL(refusals, 0) / invocations, 0)"
            );
            assert_eq!(self.properties["ComparisonOperator"], "GreaterThanThreshold");
            let tells = invocations >= 50 || (invocations >= 5 && count >= invocations);
            return tells && count.saturating_mul(100) > invocations.saturating_mul(threshold);
        }
        assert_eq!(self.properties["ComparisonOperator"], "GreaterThanOrEqualToThreshold");
        count >= threshold
    }
}

impl Watch {
    /// How often each metric counts these lines.
    pub(crate) fn counts(&self, lines: &[Value]) -> Counts {
        let mut counts = Counts::new();
        for line in lines {
            for filter in self.filters.iter().filter(|filter| filter.pattern.matches(line)) {
                let mut metric = filter.metric.clone();
                if let Some((name, selector)) = &filter.dimension {
                    let value = selector.find(line).unwrap_or_else(|| panic!("no {name} in {line}"));
                    metric += &format!(" {name}={}", value.as_str().unwrap());
                }
                add(&mut counts, metric);
            }
        }
        counts
    }

    /// The alarms that would ring.
    pub(crate) fn alarms(&self, lines: &[Value], invocations: usize) -> BTreeSet<&str> {
        self.alarms_on(&self.counts(lines), invocations)
    }

    fn alarms_on(&self, counts: &Counts, invocations: usize) -> BTreeSet<&str> {
        self.alarms.iter().filter(|alarm| alarm.rings(counts, invocations)).map(|alarm| &*alarm.name).collect()
    }
}

/// What the program wrote, line by line.
#[track_caller]
pub(crate) fn lines(finished: &Finished) -> Vec<Value> {
    finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect()
}

/// What happened to the program, its lines, and how often each metric but the hints has to count them.
struct Run {
    what: &'static str,
    lines: Vec<Value>,
    counts: Counts,
    invocations: usize,
}

fn add(counts: &mut Counts, metric: String) {
    let count = counts.entry(metric).or_default();
    *count = count.saturating_add(1);
}

fn counts<'a>(expected: impl IntoIterator<Item = (&'a str, usize)>) -> Counts {
    expected.into_iter().map(|(metric, count)| (metric.to_owned(), count)).collect()
}

/// Each thing that can happen to the program, in a run of its own.
static RUNS: LazyLock<Vec<Run>> = LazyLock::new(|| {
    let mut runs = vec![
        permits(),
        reported(),
        warned(),
        broken_promise(),
        malformed(),
        unavailable_keys(),
        unavailable_secret(),
        secret_that_is_read(),
        stale_keys(),
        unavailable_introspection(),
        mistake(),
        nobody_to_tell(),
        platform(),
    ];
    runs.extend(["deny", "unauthorized"].map(refusals));
    runs.extend(an_impossible_clock());
    runs
});

fn run(what: &'static str, lambda: Lambda, invocations: usize, expected: Counts) -> Run {
    Run { what, lines: lines(&lambda.stop()), counts: expected, invocations }
}

/// Permits, also where they are logged: no filter depends on them.
fn permits() -> Run {
    let lambda = lambda(&config(), &[JSON, ("AWS_LAMBDA_LOG_LEVEL", "TRACE")]);
    for _ in 0..3 {
        assert!(!lambda.invoke(event(&secret_token(json!({})), "GET/movies")).is_error);
    }
    run("permits", lambda, 3, Counts::new())
}

fn refusals(invalid_token: &'static str) -> Run {
    let lambda = lambda(&config_with("invalid_token", json!(invalid_token)), &[JSON]);
    let mut counts = Counts::new();
    let mut ask = |reason: &str, authorization: Option<&str>, request: &str| {
        lambda.invoke(event_with(authorization, request));
        add(&mut counts, format!("RefusalsByReason Reason={reason}"));
        add(&mut counts, "Refusals".to_owned());
    };
    for (reason, authorization) in invalid_tokens() {
        ask(reason, authorization.as_deref(), "GET/movies");
    }
    for (reason, token) in healing_tokens() {
        ask(reason, Some(&format!("Bearer {token}")), "GET/movies");
    }
    let good = format!("Bearer {}", secret_token(json!({})));
    for (reason, request) in [
        ("insufficient_scope", "POST/movies"),
        ("claim_mismatch", "GET/users/bob"),
        ("undeclared_route", "GET/nowhere"),
        ("ambiguous_path", "GET/users/*"),
    ] {
        ask(reason, Some(&good), request);
    }
    let invocations = counts["Refusals"];
    run("refusals", lambda, invocations, counts)
}

/// `route_rules: "report"` lets pass what it would refuse, so that is no refusal.
fn reported() -> Run {
    let lambda = lambda(&config_with("route_rules", json!("report")), &[JSON]);
    assert!(!lambda.invoke(event(&secret_token(json!({})), "POST/movies")).is_error);
    run("reported refusals", lambda, 1, counts([("StartWarnings", 1)]))
}

fn warned() -> Run {
    let mut config = config_with("route_rules", json!("report"));
    config["issuers"][0]["audience"] = Value::Null;
    let lambda = lambda(&config, &[JSON]);
    lambda.api.started();
    run("warnings at start", lambda, 0, counts([("StartWarnings", 2)]))
}

fn broken_promise() -> Run {
    let lambda = lambda(&config_with("undeclared_routes", json!("absent")), &[JSON]);
    lambda.invoke(event(&secret_token(json!({})), "GET/nowhere"));
    let expected = [("BrokenPromises", 1), ("Refusals", 1), ("RefusalsByReason Reason=undeclared_route", 1)];
    run("a broken promise", lambda, 1, counts(expected))
}

fn malformed() -> Run {
    let lambda = lambda(&config(), &[JSON]);
    let events = malformed_events();
    for event in &events {
        lambda.invoke(event);
    }
    run("malformed events", lambda, events.len(), counts([("Errors ErrorType=MalformedEvent", events.len())]))
}

fn fetching(server: &KeyServer) -> Value {
    let mut config = config();
    config["issuers"][1] = json!({
        "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys"),
        "keys_cache": { "fresh_seconds": 1, "cooldown_seconds": 1, "timeout_ms": 10_000 },
    });
    config
}

/// A run in which fetches failed. How many did depends on the machine: a slow one tries again.
fn failing(what: &'static str, lambda: Lambda, expected: &[(&str, usize)]) -> Run {
    let mut run = run(what, lambda, 1, counts(expected.iter().copied()));
    let count = |messages: [&str; 2]| {
        let lines = run.lines.iter().filter(|line| line["level"] == "WARN");
        lines.filter(|line| messages.iter().any(|message| line["message"] == *message)).count()
    };
    let failed =
        [("FailedFetches", count(["key set", "secret"])), ("StaleKeys", count(["a stale key set is in use"; 2]))];
    run.counts.extend(counts(failed.into_iter().filter(|(_, count)| *count > 0)));
    assert!(run.counts.contains_key("FailedFetches"), "{what}: {:#?}", run.lines);
    run
}

fn unavailable_keys() -> Run {
    let server = KeyServer::start();
    let lambda = lambda(&fetching(&server), &[JSON]);
    let answer = lambda.invoke(event(&key("RS256").token(&claims(KEYS, json!({}))), "GET/movies"));
    assert_eq!(answer.error().0, "KeysUnavailable");
    failing("no keys", lambda, &[("Errors ErrorType=KeysUnavailable", 1)])
}

const MANAGED: &str = "/secretsmanager/get?secretId=hs&versionStage=AWSCURRENT";

/// The program with a secret in Secrets Manager.
fn managed(extension: &KeyServer) -> Lambda {
    let mut config = config();
    config["issuers"][0]["secret"] = json!({ "secrets_manager": "hs", "previous": false });
    config["issuers"][0]["keys_cache"] = json!({ "timeout_ms": 10_000 });
    let port = extension.url("").rsplit(':').next().unwrap().to_owned();
    let session = ("AWS_SESSION_TOKEN", "canary-of-a-session-token-5d1f");
    lambda(&config, &[JSON, ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", &port), session])
}

fn unavailable_secret() -> Run {
    let extension = KeyServer::start();
    extension.set(MANAGED, Reply::status(400).body("ResourceNotFoundException"));
    let lambda = managed(&extension);
    assert_eq!(lambda.invoke(event(&secret_token(json!({})), "GET/movies")).error().0, "KeysUnavailable");
    failing("no secret", lambda, &[("Errors ErrorType=KeysUnavailable", 1)])
}

fn secret_that_is_read() -> Run {
    let extension = KeyServer::start();
    extension.set(MANAGED, Reply::json(&json!({ "SecretString": key("HS256").secret() })));
    let lambda = managed(&extension);
    assert!(!lambda.invoke(event(&secret_token(json!({})), "GET/movies")).is_error);
    run("a secret that is read", lambda, 1, Counts::new())
}

fn stale_keys() -> Run {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let lambda = lambda(&fetching(&server), &[JSON]);
    let token = key("RS256").token(&claims(KEYS, json!({})));
    assert!(!lambda.invoke(event(&token, "GET/movies")).is_error);
    server.set("/keys", Reply::status(503));
    let before = server.count("/keys");
    // The first request that finds the set old tries to fetch another, and is served from the old one.
    eventually("a refresh fails", || {
        assert!(!lambda.invoke(event(&token, "GET/movies")).is_error);
        (server.count("/keys") > before).then_some(())
    });
    let run = failing("stale keys", lambda, &[]);
    assert!(run.counts.contains_key("StaleKeys"), "{:#?}", run.lines);
    run
}

fn unavailable_introspection() -> Run {
    let endpoint = Endpoint::start();
    endpoint.always(Some(Reply::status(401)));
    let mut config = config();
    config["issuers"][1]["introspection"] =
        json!({ "endpoint": endpoint.url(), "client_id": "api", "client_secret": { "env": "SECRET" } });
    let lambda = lambda(&config, &[JSON]);
    let answer = lambda.invoke(event("opaque", "GET/movies"));
    assert_eq!(answer.error().0, "IntrospectionUnavailable");
    run("no introspection", lambda, 1, counts([("Errors ErrorType=IntrospectionUnavailable", 1)]))
}

fn mistake() -> Run {
    let Lambda { function, api } = lambda(&config_with("policy", json!("none")), &[JSON]);
    let finished = function.finished();
    assert_eq!((finished.status.code(), api.init_errors().len()), (Some(2), 1), "{finished:?}");
    Run {
        what: "a mistake in the configuration",
        lines: lines(&finished),
        counts: counts([("StartFailures", 1)]),
        invocations: 0,
    }
}

/// The configuration has a mistake, and Lambda cannot be told.
fn nobody_to_tell() -> Run {
    let variables = [JSON, ("AUTHORIZER_CONFIG", "{}"), ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")];
    let finished = Process::start(Scratch::new().path(), &[], &variables, b"").finished();
    Run { what: "nobody to tell", lines: lines(&finished), counts: counts([("StartFailures", 1)]), invocations: 0 }
}

/// The clock shows a time before the program was built. Without libfaketime, prints the reason.
fn an_impossible_clock() -> Option<Run> {
    if std::env::var_os("TEST_PROGRAM").is_some() {
        // The binary of a release is static, and loads no library.
        return None;
    }
    let Some(library) = LIBRARIES.into_iter().find(|path| std::path::Path::new(path).exists()) else {
        writeln!(std::io::stderr(), "\nskipped: libfaketime is not installed (apt-get install faketime)").unwrap();
        return None;
    };
    let clock = [("LD_PRELOAD", library), ("FAKETIME", "2001-01-01 00:00:00"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    let lambda = lambda(&config(), &[&[JSON][..], &clock].concat());
    assert_eq!(lambda.invoke(event(&secret_token(json!({})), "GET/movies")).error().0, "InternalError");
    Some(run("an impossible clock", lambda, 1, counts([("Errors ErrorType=InternalError", 1), ("Faults", 1)])))
}

/// Lines that no test can make the program write: a panic, as `src/main.rs` logs it, because no input makes one; and those of Lambda
/// itself, as the schema of its Telemetry API has them.
fn platform() -> Run {
    let line =
        |kind: &str, record: Value| json!({ "time": "2026-01-01T00:00:00.000Z", "type": kind, "record": record });
    let report = |status: &str| {
        let metrics = json!({ "durationMs": 5.1, "billedDurationMs": 30, "memorySizeMB": 256, "maxMemoryUsedMB": 20, "initDurationMs": 24.2 });
        line("platform.report", json!({ "requestId": "aec7a529", "metrics": metrics, "status": status }))
    };
    let init = |status: &str| {
        let metrics = json!({ "durationMs": 24.2 });
        let record =
            json!({ "initializationType": "on-demand", "phase": "init", "status": status, "metrics": metrics });
        line("platform.initReport", record)
    };
    let of_type = |mut line: Value, kind: &str| {
        line["record"]["errorType"] = kind.into();
        line
    };
    let lines = vec![
        json!({
            "timestamp": "2026-01-01T00:00:00.000000Z", "level": "ERROR", "message": "panic", "place": "src/token.rs:1:1",
            "target": "apigw_jwt_authorizer",
        }),
        line(
            "platform.initStart",
            json!({ "initializationType": "on-demand", "phase": "init", "functionName": "authorizer" }),
        ),
        line("platform.start", json!({ "requestId": "aec7a529", "version": "$LATEST" })),
        // A deliberate 401 is an error of the function.
        line(
            "platform.runtimeDone",
            json!({ "requestId": "aec7a529", "status": "error", "errorType": "Unauthorized" }),
        ),
        report("success"),
        of_type(report("error"), "Runtime.Unknown"),
        of_type(report("error"), "Runtime.ExitError"),
        of_type(report("error"), "Runtime.OutOfMemory"),
        report("timeout"),
        report("failure"),
        init("success"),
        init("timeout"),
        init("failure"),
        of_type(init("error"), "Runtime.Unknown"),
    ];
    Run { what: "lines of Lambda itself", lines, counts: counts([("Faults", 5), ("StartFailures", 3)]), invocations: 0 }
}

#[test]
fn each_metric_counts_exactly_the_lines_that_it_is_about() {
    for run in &*RUNS {
        let (hints, counts): (Counts, Counts) =
            watch().counts(&run.lines).into_iter().partition(|(metric, _)| metric.starts_with("Hints "));
        assert_eq!(counts, run.counts, "{}: {:#?}", run.what, run.lines);
        let mut hinted = Counts::new();
        for hint in run.lines.iter().filter_map(|line| line.get("hint")) {
            add(&mut hinted, format!("Hints Hint={}", hint.as_str().unwrap()));
        }
        assert_eq!(hints, hinted, "{}", run.what);
    }
}

#[test]
fn each_alarm_rings_for_what_it_is_about_and_for_nothing_else() {
    let mut silent: BTreeSet<&str> = watch().alarms.iter().map(|alarm| &*alarm.name).collect();
    for run in &*RUNS {
        let expected: &[&str] = match run.what {
            "permits" | "reported refusals" | "warnings at start" | "a secret that is read" => &[],
            "refusals" => &["most-refused"],
            "a broken promise" => &["broken-promises"],
            "malformed events" => &["malformed-events"],
            "no keys" | "no secret" => &["failed-fetches", "keys-unavailable"],
            "stale keys" => &["failed-fetches", "stale-keys"],
            "no introspection" => &["introspection-unavailable"],
            "a mistake in the configuration" | "nobody to tell" => &["start-failures"],
            "lines of Lambda itself" => &["faults", "start-failures"],
            "an impossible clock" => &["faults"],
            other => panic!("{other}"),
        };
        let ring = watch().alarms(&run.lines, run.invocations.max(if run.what == "refusals" { 50 } else { 0 }));
        assert_eq!(ring, expected.iter().copied().collect(), "{}", run.what);
        silent.retain(|alarm| !ring.contains(alarm));
    }
    // A throttled program does not run, and Lambda counts it.
    let throttled = watch().alarms_on(&counts([("AWS/Lambda Throttles", 1)]), 0);
    assert_eq!(throttled, BTreeSet::from(["throttles"]));
    silent.remove("throttles");
    assert_eq!(silent, BTreeSet::new(), "no run makes them ring");
}

#[test]
fn one_minute_of_500s_rings_no_alarm_and_a_second_within_a_quarter_of_an_hour_does() {
    for alarm in watch().alarms.iter().filter(|alarm| alarm.name.ends_with("-unavailable")) {
        for (bad, rings) in
            [(&[7][..], false), (&[7, 8], true), (&[7, 21], true), (&[7, 22], false), (&[7, 22, 30], true)]
        {
            let mut counts = [0; 60];
            bad.iter().for_each(|minute| counts[*minute] = 20);
            assert_eq!(alarm.rings_over(&counts), rings, "{}: {bad:?}", alarm.name);
        }
    }
}

#[test]
fn most_refused_rings_for_more_than_half_of_fifty_and_for_all_of_five() {
    let alarm = watch().alarms.iter().find(|alarm| alarm.name == "most-refused").unwrap();
    for (refusals, invocations, rings) in [
        (0, 0, false),
        (4, 4, false),
        (4, 5, false),
        (5, 5, true),
        (48, 49, false),
        (49, 49, true),
        // A line may be counted in another period than its invocation.
        (6, 5, true),
        (25, 50, false),
        (26, 50, true),
        (49, 50, true),
        (500, 1000, false),
    ] {
        let counts = counts([("Refusals", refusals)]);
        assert_eq!(alarm.rings(&counts, invocations), rings, "{refusals} of {invocations}");
    }
}

#[test]
fn metrics_and_alarms_keep_to_the_rules_of_cloudwatch() {
    let published: BTreeSet<&str> = watch().filters.iter().map(|filter| &*filter.metric).collect();
    for filter in &watch().filters {
        assert!(
            !filter.has_default,
            "{}: a metric with dimensions takes none, and the alarms need none",
            filter.metric
        );
        assert!(filter.dimension.is_none() || filter.metric != "Refusals", "an alarm does not add up dimensions");
    }
    for alarm in &watch().alarms {
        let Alarm { name, properties, on } = alarm;
        let is_published = published.contains(on.split(' ').next().unwrap());
        assert!(is_published || on == "AWS/Lambda Throttles", "{name}: nothing publishes {on}");
        assert_eq!(properties["TreatMissingData"], "notBreaching", "{name}");
        let (period, periods) = match name.as_str() {
            "keys-unavailable" | "introspection-unavailable" => (60, (15, 2)),
            "stale-keys" | "failed-fetches" => (300, (3, 2)),
            "most-refused" => (300, (3, 3)),
            _ => (300, (1, 1)),
        };
        assert_eq!(alarm.periods(), periods, "{name}");
        if name != "most-refused" {
            assert_eq!((&properties["Period"], &properties["Statistic"]), (&json!(period), &json!("Sum")), "{name}");
        }
        let tell = json!({ "Fn::If": ["WithAlarmTopic", [{ "Ref": "AlarmTopicArn" }], { "Ref": "AWS::NoValue" }] });
        assert_eq!((&properties["AlarmActions"], &properties["OKActions"]), (&tell, &tell), "{name}");
        let description = properties["AlarmDescription"].as_str().unwrap();
        let (_, section) =
            description.split_once("docs/runbook.md#").unwrap_or_else(|| panic!("{name}: {description}"));
        let heading = format!("\n## {}\n", section.replace('-', " "));
        let runbook = std::fs::read_to_string("docs/runbook.md").unwrap().to_lowercase();
        assert!(runbook.contains(&heading), "docs/runbook.md has no section {section:?}");
    }
    // No two alarms have one name.
    let names: BTreeSet<&str> = watch().alarms.iter().map(|alarm| &*alarm.name).collect();
    assert_eq!(names.len(), watch().alarms.len());
}

/// The paths of a line's members.
fn paths(line: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    for (name, value) in line.as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        paths(value, &format!("{path}."), found);
        found.insert(path);
    }
}

#[test]
fn each_query_names_only_fields_that_lines_have_and_shows_something() {
    let lines: Vec<Value> = RUNS.iter().flat_map(|run| run.lines.clone()).collect();
    let mut known = BTreeSet::from(["@timestamp".to_owned()]);
    for line in &lines {
        paths(line, "", &mut known);
    }
    let names: Vec<&str> = watch().queries.keys().map(String::as_str).collect();
    assert_eq!(names, ["errors", "hints", "keys", "refused", "slow", "warnings"]);
    for (name, query) in &watch().queries {
        let unknown: Vec<_> = query.fields().into_iter().filter(|field| !known.contains(*field)).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        assert!(!query.rows(&lines).is_empty(), "{name}");
    }
}

/// The texts in a document.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_shows_each_metric_and_each_alarm_and_names_each_query() {
    let dashboard: Value = serde_json::from_str(&watch().dashboard).unwrap();
    let mut shown = Vec::new();
    texts(&dashboard, &mut shown);
    let mut expected: BTreeSet<String> = BTreeSet::new();
    for Filter { metric, dimension, .. } in &watch().filters {
        match dimension {
            Some((name, _)) => expected.insert(format!(
                "SEARCH('{{\"JwtAuthorizer/${{AWS::StackName}}\",{name}}} MetricName=\"{metric}\"', 'Sum', 300)"
            )),
            // The dashboard has them by reason.
            None if metric == "Refusals" => false,
            None => expected.insert(metric.clone()),
        };
    }
    expected.retain(|metric| !shown.contains(&metric.as_str()));
    assert_eq!(expected, BTreeSet::new(), "not shown");
    for name in watch().queries.keys() {
        let named = |text: &&&str| text.split_once("(quer").is_some_and(|(_, queries)| queries.contains(name.as_str()));
        assert_eq!(shown.iter().filter(named).count(), 1, "{name}");
    }
    let alarms = shown.iter().filter(|text| text.ends_with("Alarm.Arn}")).count();
    assert_eq!(alarms, watch().alarms.len());
}
