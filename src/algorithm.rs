//! The one table of everything known about a JWS `alg` (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864).

/// A signature algorithm this program can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// ECDSA over P-521 with SHA-512.
    Es512,
    /// EdDSA over Curve25519, under its old name `EdDSA` and its new one `Ed25519`.
    Ed25519,
}

/// The kind of key an algorithm needs; a source of one kind never serves another (RFC 8725 and 8725bis section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    /// A shared secret.
    Secret,
    /// An RSA public key.
    Rsa,
    /// A public key on an elliptic curve, which implies the algorithm.
    Curve,
}

impl Algorithm {
    /// The algorithms that use a shared secret.
    pub(crate) const WITH_SECRET: [Self; 3] = [Self::Hs256, Self::Hs384, Self::Hs512];
    /// The algorithms that use a public key.
    pub(crate) const WITH_KEYS: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ed25519,
    ];

    /// The algorithm of an `alg` value, compared exactly (RFC 7515 section 4.1.1).
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" | "Ed25519" => Self::Ed25519,
            _ => return None,
        })
    }

    /// Its `alg` value.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ed25519 => "EdDSA",
        }
    }

    /// The kind of key it needs.
    pub(crate) fn family(self) -> Family {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Secret,
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => Family::Rsa,
            Self::Es256 | Self::Es384 | Self::Es512 | Self::Ed25519 => Family::Curve,
        }
    }

    /// The shortest allowed secret in bytes: the length of the hash (RFC 7518 section 3.2). 0 for algorithms with public keys.
    pub(crate) fn secret_bytes(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 0,
        }
    }

    /// The lengths in bytes that a signature may have in JWS form (RFC 7518 section 3). An RSA signature is as long as its
    /// modulus, 2048 to 8192 bits.
    pub(crate) fn signature_bytes(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Hs256 => 32..=32,
            Self::Hs384 => 48..=48,
            Self::Hs512 | Self::Es256 | Self::Ed25519 => 64..=64,
            Self::Es384 => 96..=96,
            Self::Es512 => 132..=132,
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => 256..=1024,
        }
    }
}
