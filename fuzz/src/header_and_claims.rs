//! A header and claims of any bytes, correctly signed. Checks that the decision agrees with a plain reading of the
//! rules.

use std::ops::ControlFlow;

use apigw_jwt_authorizer::internals;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Number, Value};

use super::world::{self, ISSUER, NOW, STAGE};

type Need = fn(&Claims) -> bool;

/// Requests, and what each requires in addition to a valid token.
const REQUESTS: [(&str, Need); 6] = [
    ("GET/open", |_| true),
    ("GET/movies", |claims| claims.has(&["read:movies"])),
    ("POST/pets", |claims| claims.has(&["write:pets", "premium"]) || claims.has(&["admin"])),
    ("GET/users/u1", |claims| claims.has(&["admin"]) || claims.has(&["read:me"]) && claims.members["sub"] == "u1"),
    ("GET/tenants/t1/files", |claims| claims.members.get("org").is_some_and(|org| holds(&org["id"], "t1"))),
    ("DELETE/movies", |_| false),
];

struct Claims {
    members: Map<String, Value>,
    scopes: Vec<String>,
}

impl Claims {
    fn has(&self, scopes: &[&str]) -> bool {
        scopes.iter().all(|scope| self.scopes.iter().any(|granted| granted == scope))
    }
}

/// Checks one token. The first byte of the data chooses the request; the header, a line feed and the claims follow.
pub fn run(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (tail, allowed) = REQUESTS[usize::from(*choice) % REQUESTS.len()];
    let token = world::signed(header, claims);
    let answer = world::asked(&token, tail);
    let expected = match token.len() <= 10_240 && URL_SAFE_NO_PAD.encode(header).len() <= 4096 {
        true => accepted(header, claims),
        false => None,
    };
    let verified = answer.get("errorType").is_none() && answer["principalId"] != "anonymous";
    match expected {
        None => assert!(!verified, "a token that breaks a rule is accepted: {answer}"),
        Some(claims) if claims.members["sub"] == "anonymous" => {}
        Some(claims) => {
            assert!(verified, "a token that follows the rules is refused: {answer}");
            let passes = internals::passes(&answer["policyDocument"], &format!("{STAGE}{tail}"));
            assert_eq!(passes, allowed(&claims), "{tail}: {answer}");
            assert_eq!(answer["principalId"], claims.members["sub"]);
            assert_eq!(
                answer.get("usageIdentifierKey").filter(|_| passes),
                claims.members.get("key").filter(|key| passes && !key.is_null())
            );
        }
    }
}

/// The claims, if the rules accept a token with this header and these claims.
fn accepted(header: &[u8], claims: &[u8]) -> Option<Claims> {
    let (header, members) = (object(header)?, object(claims)?);
    let texts = ["alg", "kid", "typ", "cty"].map(|name| header.get(name).map(Value::as_str));
    let [alg, kid, typ, cty] = texts;
    let flat = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_prefix("application/").unwrap_or(&text).to_owned()
    };
    let unsupported = ["crit", "b64", "enc", "zip"].iter().any(|name| header.contains_key(*name));
    if texts.contains(&Some(None)) || unsupported {
        return None;
    }
    let fits = matches!(alg??, "HS256" | "HS384" | "HS512")
        && kid.flatten().is_none_or(|kid| kid.len() <= 256)
        && typ.flatten().is_none_or(|typ| matches!(flat(typ).as_str(), "jwt" | "at+jwt"))
        && cty.flatten().is_none_or(|cty| flat(cty) != "jwt");
    let date = |name: &str| match members.get(name) {
        None => ControlFlow::Continue(None),
        // A date must fit a double, so `1e400` is a number but not a date.
        Some(date) => date.as_f64().map_or(ControlFlow::Break(()), |date| ControlFlow::Continue(Some(date))),
    };
    let (exp, nbf, iat) = (date("exp"), date("nbf"), date("iat"));
    let (exp, nbf, iat) = (exp.continue_value()??, nbf.continue_value()?, iat.continue_value()??);
    let now = f64::from(NOW);
    let current =
        now < exp + 10.0 && nbf.is_none_or(|nbf| nbf <= now + 10.0) && iat <= now + 10.0 && now < iat + 86_410.0;
    let audience = members.get("aud")?;
    let meant = all_texts(audience) && (holds(audience, "api") || holds(audience, "other"));
    let identifier = |claim: &Value| {
        let text = claim.as_str().unwrap_or_default();
        (1..=256).contains(&text.len()) && !text.chars().any(char::is_control)
    };
    let known = members.get("iss")? == ISSUER && identifier(members.get("sub")?);
    let one = |number: &Number| !number.to_string().starts_with('-') && digits(number) == Some(vec![('1', 0)]);
    let version = |ver: &Value| ver.as_number().is_some_and(one) || ver == "2";
    let versions =
        members.get("ver")?.as_array().map_or_else(|| version(&members["ver"]), |all| all.iter().any(version));
    let billed = members.get("key").is_none_or(|key| key.is_null() || identifier(key));
    let mut scopes = Vec::new();
    for claim in ["scope", "scp"].iter().filter_map(|name| members.get(*name)) {
        match claim {
            Value::String(text) => scopes.extend(text.split(' ').map(str::to_owned)),
            Value::Array(list) if all_texts(claim) => {
                scopes.extend(list.iter().map(|item| item.as_str().unwrap().to_owned()))
            }
            _ => return None,
        }
    }
    let whole = fits && current && meant && known && versions && billed && !members.contains_key("cnf");
    whole.then_some(Claims { members, scopes })
}

fn all_texts(claim: &Value) -> bool {
    claim.is_string() || claim.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

fn holds(claim: &Value, text: &str) -> bool {
    claim == text || claim.as_array().is_some_and(|items| items.iter().any(|item| item == text))
}

/// Parses an object without duplicate members: one with as many members as its text has colons outside of strings.
fn object(text: &[u8]) -> Option<Map<String, Value>> {
    let object: Value = serde_json::from_slice(text).ok()?;
    let (mut colons, mut string, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => string = !string,
            b':' if !string => colons += 1,
            _ => {}
        }
    }
    match object {
        Value::Object(members) => {
            let object = Value::Object(members.clone());
            (colons == count(&object) && bounded(&object)).then_some(members)
        }
        _ => None,
    }
}

/// Whether the power of ten of every number's last digit fits in 64 bits.
fn bounded(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(bounded),
        Value::Array(items) => items.iter().all(bounded),
        Value::Number(number) => digits(number).is_some(),
        _ => true,
    }
}

/// The nonzero digits of a number, each with its power of ten; `None` if a power does not fit in 64 bits.
fn digits(number: &Number) -> Option<Vec<(char, i128)>> {
    let text = number.to_string();
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let point = mantissa.find('.').unwrap_or(mantissa.len());
    let place = |at: usize| {
        let (point, at) = (i128::try_from(point).unwrap(), i128::try_from(at).unwrap());
        if at < point { point - 1 - at } else { point - at }
    };
    let digits = mantissa.char_indices().filter(|(_, c)| ('1'..='9').contains(c));
    let mut digits: Vec<(char, i128)> = digits.map(|(at, digit)| (digit, place(at))).collect();
    if let Some((_, last)) = digits.last().copied() {
        let power = i128::from(power.parse::<i64>().ok()?);
        i64::try_from(last + power).ok()?;
        digits.iter_mut().for_each(|(_, place)| *place += power);
    }
    Some(digits)
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len() + members.values().map(count).sum::<usize>(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}
