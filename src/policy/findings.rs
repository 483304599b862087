//! What starting a table finds: why it may not start with cacheable policies, and what to know about one that may.

use std::fmt;

use crate::routes::Routes;

/// Why no cached policy of a table can be right for every token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TableMistake {
    /// A token may have `allowed` and `hit`, and not `refused`, which no IAM pattern keeps apart.
    Conflict { allowed: Label, refused: Label, hit: Label, ways_out: Vec<String> },
    /// A path with more segments than a Resource has room for.
    TooLong,
    /// Literals, parameters and needs overlap in more ways than can be told apart in time.
    TooTangled,
}

/// A table whose start would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooTangled;

/// What to know about a table that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// Methods of a specific path take a less specific entry that asks for less.
    FallsThrough { path: Label, methods: Vec<&'static str>, to: Label },
    /// A cached answer may refuse a path whose parameter is a literal of the table.
    Collision { open: Label, refused: Label, example: Option<String> },
    /// With "allow": a path that no entry takes is refused below a refused one.
    RefusedBelow { path: Label },
    /// A token that may do everything gets an answer that leaves something out.
    LeftOut { routes: Vec<Label>, more: usize },
}

/// An entry of the table as a message names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Entry {
        index: usize,
        method: &'static str,
        path: String,
    },
    /// What no entry takes.
    Undeclared,
}

impl Label {
    pub(super) fn of(routes: &Routes, index: usize, method: &'static str) -> Self {
        let path = routes.entries().get(index).map(|entry| entry.path.as_str().to_owned());
        path.map_or(Self::Undeclared, |path| Self::Entry { index, method, path })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { index, method, path } => write!(f, "routes[{index}]: {method} {path}"),
            Self::Undeclared => f.write_str("undeclared paths"),
        }
    }
}

impl fmt::Display for TableMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SINGLE_REQUEST: &str = "set `policy` to \"single_request\" with a gateway cache of 0 s or a REQUEST \
                                      authorizer whose identity sources are token, method and path";
        match self {
            Self::Conflict { allowed, refused, hit, ways_out, .. } => {
                let mut ways = ways_out.clone();
                ways.push(SINGLE_REQUEST.to_owned());
                write!(f, "{}", ways.join(", or "))?;
                if hit == refused {
                    return write!(
                        f,
                        ": a cached policy that allows {allowed} cannot open {refused} for some of its paths and close it for \
                         others"
                    );
                }
                if refused == &Label::Undeclared && hit == &Label::Undeclared {
                    return write!(f, ": no IAM pattern allows {allowed} without longer paths that no entry matches");
                }
                write!(
                    f,
                    ": a token may use {allowed} and {hit} but not {refused}, and every IAM pattern that refuses the last also \
                     refuses {hit}"
                )
            }
            Self::TooLong => write!(
                f,
                "give the path fewer segments, or {SINGLE_REQUEST}: a path has more segments than a policy can name"
            ),
            Self::TooTangled => write!(
                f,
                "{SINGLE_REQUEST}, or give the paths fewer parameters beside literals, or fewer claims that are compared with \
                 them: literals and parameters overlap in too many ways for a cached policy"
            ),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FallsThrough { path, methods, to } => write!(
                f,
                "declare {} for the path of {path} if {to} should not decide them there: it asks for less",
                methods.join(", ")
            ),
            Self::Collision { open, refused, example } => {
                write!(f, "a cached policy may refuse paths of {open} whose parameter is a literal of the table")?;
                if let Some(example) = example {
                    write!(f, ", such as {example}")?;
                }
                write!(f, ", to a token that may not use {refused}")
            }
            Self::RefusedBelow { path } => write!(
                f,
                "undeclared paths below or between the segments of {path} are refused to a token that may not use it"
            ),
            Self::LeftOut { routes, more } => {
                f.write_str("an answer for a token that may do everything does not fit into 8 KiB; it leaves out ")?;
                f.write_str(&routes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))?;
                if *more > 0 { write!(f, " and {more} more") } else { Ok(()) }
            }
        }
    }
}
