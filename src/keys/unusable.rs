//! Why a key of a set is passed over, in words that hold nothing of the key.

use std::fmt;

use crate::algorithm::Algorithm;

/// Why a JWK of a set is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is not a JSON object, or a member of it appears twice.
    NotAnObject,
    /// A member that it needs is absent, or is not of its type.
    Member(&'static str),
    /// It has no `issuer`, in a set for any tenant.
    WithoutIssuer,
    /// A number in base64 instead of base64url without padding (RFC 7518 section 6).
    NotBase64Url(&'static str),
    /// It has certificates (`x5c`) instead of the key itself.
    CertificatesAlone,
    /// A coordinate has another length than its curve's (RFC 7518 section 6.2.1.2).
    Coordinate { name: &'static str, bytes: usize, needed: usize },
    /// The name is longer than that of a token may be.
    LongKid,
    /// A shared secret, which no key set may hold.
    Secret,
    /// It holds private members, so it is no longer secret (RFC 7517 section 9.2).
    Private,
    /// It is not for signatures (`use`, `key_ops`; RFC 7517 sections 4.2 and 4.3).
    OtherUse,
    /// Its type or curve is not supported.
    Type,
    /// Its `alg` is not supported.
    UnknownAlg,
    /// Its `alg` is of another type or curve.
    AlgOfOtherType,
    /// Its algorithm is not among the issuer's `algorithms`.
    NotAllowed(Algorithm),
    /// An RSA key without `alg`, where the issuer allows several RSA algorithms and not RS256.
    SeveralAlgorithms,
    /// An RSA modulus with too few or too many bits.
    Bits(usize),
    /// An even modulus, or an exponent that is even, 1 or longer than four bytes.
    Numbers,
    /// Its numbers are not a point on its curve.
    NotOnCurve,
    /// Another key that differs has its `kid` and algorithm.
    SharedKid,
    /// There are more keys than are read.
    TooMany,
}

impl Unusable {
    /// Whether the key is for something else, as keys for encryption are in many sets, and nothing is wrong with it.
    pub(crate) fn is_for_something_else(self) -> bool {
        matches!(
            self,
            Self::Secret
                | Self::OtherUse
                | Self::Type
                | Self::UnknownAlg
                | Self::NotAllowed(_)
                | Self::SeveralAlgorithms
        )
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member(name) => return write!(f, "its member `{name}` is absent or malformed"),
            Self::NotBase64Url(name) => {
                return write!(f, "its `{name}` is not base64url without padding (RFC 7518 section 6)");
            }
            Self::Coordinate { name, bytes, needed } => {
                return write!(
                    f,
                    "its `{name}` has {bytes} bytes where its curve has {needed}; leading zeros belong to it (RFC 7518 section 6.2.1.2)"
                );
            }
            Self::NotAllowed(algorithm) => {
                return write!(f, "it is for {}, which `algorithms` does not list", algorithm.name());
            }
            Self::Bits(bits) => return write!(f, "its modulus has {bits} bits; 2048 to 8192 are taken"),
            Self::NotAnObject => "it is not a JSON object, or a member appears twice",
            Self::WithoutIssuer => "it has no `issuer`, which the keys for any tenant need",
            Self::CertificatesAlone => "it has certificates (`x5c`) and not the key itself (`n` and `e`, or `x` and `y`)",
            Self::LongKid => "its `kid` is longer than 256 bytes",
            Self::Secret => "it is a shared secret (`kty` is `oct`)",
            Self::Private => "it has private members, so it is no longer secret",
            Self::OtherUse => "it is not for signatures, as its `use` or `key_ops` says",
            Self::Type => "its `kty` or `crv` is not supported (RSA, P-256, P-384, P-521 and Ed25519 are)",
            Self::UnknownAlg => "its `alg` is not supported",
            Self::AlgOfOtherType => "its `alg` does not fit its `kty` or `crv`",
            Self::SeveralAlgorithms => "it names no `alg`, and `algorithms` allows several for RSA but not RS256",
            Self::Numbers => "its modulus or exponent is not one of RSA",
            Self::NotOnCurve => "its numbers are not a point on its curve",
            Self::SharedKid => "a different key of the set has the same `kid` and algorithm",
            Self::TooMany => "the set has more than 100 keys",
        })
    }
}

/// A key that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PassedOver {
    pub(crate) kid: Option<String>,
    pub(crate) reason: Unusable,
}

/// Its name, escaped so that it cannot forge a log line, and the reason.
impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "{}: {}", kid.escape_debug(), self.reason),
            None => write!(f, "a key without `kid`: {}", self.reason),
        }
    }
}

/// Why the key that a token names does not serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhyUnknown {
    /// No key of the set has the name.
    NoSuchKey,
    /// The token names none, and not exactly one key fits.
    NoKid,
    /// The one that has it is passed over.
    PassedOver,
    /// It is for another algorithm, by its own `alg` or its curve.
    OtherAlgorithm,
    /// It names no algorithm, and so is for RS256.
    WithoutAlg,
}
