//! The method ARN: which request an event is about.

use std::borrow::Cow;
use std::fmt;

/// The longest start of an ARN, including the slash after the stage: with `*` it is a Resource of at most 512 characters.
const MAX_STAGE_CHARS: usize = 511;

/// The route that a WebSocket API asks about when a client connects.
pub(crate) const CONNECT: &str = "$connect";

/// `arn:<partition>:execute-api:<region>:<account>:<api>/<stage>/<METHOD>/<path>`, the path as the client wrote it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MethodArn<'a> {
    text: Cow<'a, str>,
    /// Everything up to the stage, including the slash after it.
    stage: Cow<'a, str>,
    method: Cow<'a, str>,
    /// Everything after the method and its slash.
    path: Cow<'a, str>,
}

impl<'a> MethodArn<'a> {
    /// Splits a method ARN; `None` if it is not one. What is borrowed is not copied.
    ///
    /// The path may contain `:`, so only the first five colons separate. Outside the path, nothing may look like an IAM
    /// pattern, and the text before the method must fit in a Resource.
    pub(crate) fn parse(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        Self::split_by(text.into(), split)
    }

    /// Splits the ARN of a WebSocket API's `$connect` route, which has no method and no path.
    pub(crate) fn of_connect(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        Self::split_by(text.into(), split_connect)
    }

    /// The ARN with the stage, method and path that a function finds in it.
    fn split_by(text: Cow<'a, str>, split: impl Fn(&str) -> Option<[&str; 3]>) -> Option<Self> {
        let [text, stage, method, path] = match text {
            Cow::Borrowed(text) => {
                let [stage, method, path] = split(text)?;
                [text, stage, method, path].map(Cow::Borrowed)
            }
            Cow::Owned(text) => {
                let [stage, method, path] = split(&text)?;
                [&*text, stage, method, path].map(|part| Cow::Owned(part.to_owned()))
            }
        };
        Some(Self { text, stage, method, path })
    }

    /// Whether it is the `$connect` route of a WebSocket API.
    pub(crate) fn is_connect(&self) -> bool {
        self.method.is_empty() && self.path == CONNECT
    }

    /// The whole ARN.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Everything up to the stage, including the slash after it.
    pub(crate) fn stage(&self) -> &str {
        &self.stage
    }

    /// The HTTP method, in capital letters; empty for `$connect`.
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// The request path without its first slash; empty for the root.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

/// The stage, method and path of a method ARN.
fn split(text: &str) -> Option<[&str; 3]> {
    let mut colons = text.splitn(6, ':');
    let (arn, partition, service) = (colons.next()?, colons.next()?, colons.next()?);
    let (region, account, rest) = (colons.next()?, colons.next()?, colons.next()?);
    let mut slashes = rest.splitn(4, '/');
    let (api, stage) = (slashes.next()?, slashes.next()?);
    let (method, path) = (slashes.next()?, slashes.next()?);
    // HTTP APIs have a stage that is called `$default`.
    let named = arn == "arn" && service == "execute-api" && (plain(stage) || stage == "$default");
    if !named
        || ![partition, region, account, api].into_iter().all(plain)
        || method.is_empty()
        || !method.bytes().all(|b| b.is_ascii_uppercase())
    {
        return None;
    }
    let stage = text.strip_suffix(path)?.strip_suffix('/')?.strip_suffix(method)?;
    // A text has no more characters than bytes.
    let fits = stage.len() <= MAX_STAGE_CHARS || stage.chars().count() <= MAX_STAGE_CHARS;
    fits.then_some([stage, method, path])
}

/// The stage of the ARN of `$connect`, no method, and `$connect`.
fn split_connect(text: &str) -> Option<[&str; 3]> {
    let stage = text.strip_suffix(CONNECT)?;
    // A method ARN of the same stage is as plain.
    let of_stage = format!("{stage}GET/");
    split(&of_stage).filter(|[found, ..]| *found == stage)?;
    Some([stage, "", CONNECT])
}

/// Whether a part of an ARN looks like no pattern.
fn plain(part: &str) -> bool {
    // Nearly all parts are made of these, which are quicker to tell.
    let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let unusual = |c: char| matches!(c, '*' | '?' | '$') || c.is_control();
    !part.is_empty() && (part.bytes().all(usual) || !part.chars().any(unusual))
}

/// Prints the method only: a path may contain what a user typed.
impl fmt::Debug for MethodArn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MethodArn").field("method", &self.method()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parts(arn: &str, stage: &str, method: &str, path: &str) {
        let parsed = MethodArn::parse(arn).unwrap();
        assert_eq!((parsed.stage(), parsed.method(), parsed.path()), (stage, method, path));
        assert_eq!(parsed.as_str(), arn);
    }

    #[test]
    fn a_method_arn_is_split_at_its_first_five_colons_and_three_slashes() {
        let stage = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/";
        parts(&format!("{stage}GET/pets/1"), stage, "GET", "pets/1");
        parts(&format!("{stage}GET/"), stage, "GET", "");
        parts(&format!("{stage}POST/a:b/c:d"), stage, "POST", "a:b/c:d");
        parts(&format!("{stage}GET//"), stage, "GET", "/");
        parts(&format!("{stage}GET/*?$"), stage, "GET", "*?$");
        let china = "arn:aws-cn:execute-api:cn-north-1:123456789012:a1b2c3/ESTestInvoke-stage/";
        parts(&format!("{china}DELETE/x"), china, "DELETE", "x");
    }

    #[test]
    fn the_stage_of_an_http_api_may_be_its_default() {
        let stage = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/$default/";
        parts(&format!("{stage}GET/pets/1"), stage, "GET", "pets/1");
    }

    #[test]
    fn the_arn_of_connect_has_no_method_and_no_path() {
        let stage = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/";
        let arn = MethodArn::of_connect(format!("{stage}$connect")).unwrap();
        assert_eq!((arn.stage(), arn.method(), arn.path()), (stage, "", "$connect"));
        assert_eq!(arn.as_str(), format!("{stage}$connect"));
        assert!(arn.is_connect());
        assert!(!MethodArn::parse(format!("{stage}GET/$connect")).unwrap().is_connect());
        for bad in ["", "a/$connect", "GET/$connect", "$disconnect", "$connect/", "/$connect"] {
            assert_eq!(MethodArn::of_connect(format!("{stage}{bad}")), None, "{bad}");
        }
        assert_eq!(MethodArn::of_connect("arn:aws:execute-api:eu-west-1:123456789012:a*/prod/$connect"), None);
    }

    #[test]
    fn what_is_not_a_method_arn_is_refused() {
        let stage = |chars: usize| format!("arn:aws:execute-api:eu-west-1:123456789012:api/{}/GET/", "é".repeat(chars));
        // 47 characters before the stage, its slash, and the `*` of a policy.
        assert!(MethodArn::parse(stage(463)).is_some());
        assert_eq!(MethodArn::parse(stage(464)), None, "a stage that no Resource could name");
        for arn in [
            "",
            "arn",
            "arn:aws:execute-api:eu-west-1:123456789012",
            "arn:aws:execute-api:eu-west-1:123456789012:api",
            "arn:aws:execute-api:eu-west-1:123456789012:api/prod",
            "arn:aws:execute-api:eu-west-1:123456789012:api/prod/GET",
            "arn:aws:execute-api:eu-west-1:123456789012:api/prod//pets",
            "arn:aws:execute-api:eu-west-1:123456789012:api//GET/pets",
            "arn:aws:execute-api:eu-west-1:123456789012:/prod/GET/pets",
            "arn:aws:execute-api:eu-west-1::api/prod/GET/pets",
            "arn:aws:execute-api:eu-west-1:123456789012:api/prod/get/pets",
            "arn:aws:execute-api:eu-west-1:123456789012:api/prod/*/pets",
            "arn:aws:execute-api:eu-west-1:123456789012:api/*/GET/pets",
            "arn:aws:execute-api:eu-west-1:123456789012:api/pr?d/GET/pets",
            "arn:aws:execute-api:eu-west-1:123456789012:api/$stage/GET/pets",
            "arn:aws:execute-api:eu-west-1:123456789012:api/pr\nod/GET/pets",
            "arn:aws:lambda:eu-west-1:123456789012:api/prod/GET/pets",
            "nra:aws:execute-api:eu-west-1:123456789012:api/prod/GET/pets",
            "arn:aws:execute-api:eu-west-1:123456789012:api/prod/$connect",
        ] {
            assert_eq!(MethodArn::parse(arn), None, "{arn}");
        }
    }
}
