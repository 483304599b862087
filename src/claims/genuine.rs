//! The two ways in which claims come to be believed.

use serde_json::Value;

use crate::introspection::Introspected;
use crate::signature::Signed;
use crate::tenant::TENANT_CLAIM;

/// The proof that a token's claims may be read: a key has signed them, or the issuer's endpoint has stated them.
pub(crate) enum Genuine {
    Signed(Signed),
    Introspected(Introspected),
}

impl Genuine {
    /// The claims set, a JSON object.
    pub(crate) fn claims(&self) -> &Value {
        let (Self::Signed(Signed { claims, .. }) | Self::Introspected(Introspected { claims, .. })) = self;
        claims
    }

    /// The `typ` header, which only a signed token can have.
    #[cfg(feature = "authz")]
    pub(crate) fn typ(&self) -> Option<&str> {
        match self {
            Self::Signed(signed) => signed.typ(),
            Self::Introspected(_) => None,
        }
    }

    /// Makes the tenant that `iss` names the claim `{tenant}`, and removes what a token has under this name.
    pub(super) fn naming(mut self, tenant: Option<&str>) -> Self {
        let (Self::Signed(Signed { claims, .. }) | Self::Introspected(Introspected { claims, .. })) = &mut self;
        if let Value::Object(claims) = claims {
            claims.remove(TENANT_CLAIM);
            if let Some(tenant) = tenant {
                claims.insert(TENANT_CLAIM.to_owned(), tenant.into());
            }
        }
        self
    }

    /// Takes the claims set out.
    pub(crate) fn into_claims(self) -> Value {
        let (Self::Signed(Signed { claims, .. }) | Self::Introspected(Introspected { claims, .. })) = self;
        claims
    }
}
