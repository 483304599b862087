//! The hints: what each is called, and what to do.

macro_rules! hints {
    ($($hint:ident $code:literal $advice:literal)*) => {
        /// The usual cause of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Hint {
            $(#[doc = $advice] $hint,)*
        }

        impl Hint {
            /// All of them, in the order of the pipeline.
            #[cfg(any(test, feature = "authz"))]
            pub(crate) const ALL: &[Self] = &[$(Self::$hint),*];

            /// The fixed code that the log carries.
            pub(crate) fn code(self) -> &'static str {
                match self {
                    $(Self::$hint => $code,)*
                }
            }

            /// What to do.
            #[cfg(any(test, feature = "authz"))]
            pub(crate) fn advice(self) -> &'static str {
                match self {
                    $(Self::$hint => $advice,)*
                }
            }
        }
    };
}

hints! {
    SchemeMissing "scheme_missing"
        "The header holds a token without its scheme. Send `Authorization: Bearer <token>`."
    SchemeRepeated "scheme_repeated"
        "The header says `Bearer` twice: both the code that fetches the token and the code that sends it add the word. Drop one."
    OtherScheme "other_scheme"
        "The credentials are of another scheme, such as `Basic`. Send `Authorization: Bearer <token>`."
    TokenInQuotes "token_in_quotes"
        "The token is sent in quotes, often because it was stored as JSON. Send it without them."
    PlaceholderToken "placeholder_token"
        "The client sent `undefined`, `null` or the like: it had no token yet. Wait for the sign-in before the first request."
    TokenTooLong "token_too_long"
        "The token is longer than the 10,240 bytes that request headers may have in all. Take claims out of it, often groups or roles."
    EncryptedToken "encrypted_token"
        "The token is encrypted (JWE). Have the issuer sign tokens for this API without encrypting them; Auth0 has this in the settings of the API."
    OpaqueToken "opaque_token"
        "The token is not a JWT but a reference that only its issuer understands. Ask for a token for this API: with Auth0 name the `audience`, with Okta use a custom authorization server; Google's access tokens are always opaque, its ID tokens are not."
    NotBase64Url "not_base64url"
        "The token holds `+`, `/` or `=`: it was encoded as base64 instead of base64url (RFC 7515 section 2), or changed on its way."
    UnsignedToken "unsigned_token"
        "The token is not signed (`alg` is `none`). It is a test token or an attack."
    RefreshToken "refresh_token"
        "This is a refresh token. Send the access token that came with it."
    AlgorithmOfOtherKind "algorithm_of_other_kind"
        "The token is signed with a shared secret and its issuer is configured with keys, or the other way round. Change how the issuer signs, or configure `secret` or keys to fit; two entries may share an issuer if one has a secret and the other keys."
    AlgorithmNotListed "algorithm_not_listed"
        "The token's `alg` is supported, but is not in the issuer's `algorithms`. Add it if the issuer may use it."
    IssuerDiffersByTrailingSlash "issuer_differs_by_trailing_slash"
        "`iss` and a configured `issuer` differ by a slash at the end. Copy `iss` from a token: Auth0 writes the slash, most others do not."
    IssuerDiffersByCase "issuer_differs_by_case"
        "`iss` and a configured `issuer` differ in capital letters only. Copy `iss` from a token."
    IssuerDiffersByScheme "issuer_differs_by_scheme"
        "`iss` and a configured `issuer` differ in what stands before `://`. Google writes `accounts.google.com` with and without it; Keycloak behind a proxy writes `http` until its host name is set."
    IssuerDiffersByHost "issuer_differs_by_host"
        "`iss` has the path of a configured `issuer` and another host. The token came by another name of the same server: with Keycloak set its host name, with Auth0 and Okta use the same domain, your own or theirs, everywhere."
    IssuerMisspelt "issuer_misspelt"
        "`iss` and a configured `issuer` differ in one place, by one or two letters. Copy `iss` from a token."
    IssuerAbsent "issuer_absent"
        "The token has no `iss`. Have its issuer set one, or leave `issuer` out of an entry with a secret."
    EntraV1Token "entra_v1_token"
        "This is a v1.0 token of Microsoft Entra, and v2.0 is configured. Set `accessTokenAcceptedVersion` (`requestedAccessTokenVersion`) to 2 in the manifest of the API's app registration."
    EntraV2Token "entra_v2_token"
        "This is a v2.0 token of Microsoft Entra, and v1.0 is configured. Set `issuer` to https://login.microsoftonline.com/TENANT/v2.0 and `audience` to the API's client ID."
    EntraTenantMissing "entra_tenant_missing"
        "The configured `issuer` is Entra's address for all tenants, and tokens name one. Put the tenant's ID in the place of `common` or `organizations`; one entry for each tenant."
    OktaOrgToken "okta_org_token"
        "This is a token of Okta's org server, which only Okta itself can verify. Ask for one at a custom authorization server, such as /oauth2/default."
    SupabaseApiKey "supabase_api_key"
        "This is a Supabase API key (`anon` or `service_role`), not a user's token. Send the session's access token."
    KidAbsent "kid_absent"
        "The token has no `kid`, and not exactly one of the issuer's keys fits its algorithm. Have the issuer name its key, or narrow `algorithms`."
    EntraGraphToken "entra_graph_token"
        "This token is for Microsoft Graph, which alone can verify it. Ask for one with a scope of your own API (api://CLIENT_ID/...)."
    SecretMayBeBase64 "secret_may_be_base64"
        "The signature is right if the secret is read as base64. Set the secret's `encoding` to `base64` or `base64url`."
    SecretMayBeText "secret_may_be_text"
        "The signature is right if the secret is read as the text it is written as. Remove `encoding`, or set it to `utf8`."
    ClockSkew "clock_skew"
        "The token's dates are off by less than five minutes. Synchronize the clocks, fetch a new token a little before the old one ends, or raise `leeway_seconds` (at most 300)."
    DatesInMilliseconds "dates_in_milliseconds"
        "A date in the token is in milliseconds; `exp`, `nbf` and `iat` are seconds (RFC 7519 section 2). In JavaScript divide `Date.now()` by 1000."
    AudienceDiffersByTrailingSlash "audience_differs_by_trailing_slash"
        "The token's audience and a configured one differ by a slash at the end. Copy it from a token, or from the API's settings at the issuer."
    AudienceDiffersByCase "audience_differs_by_case"
        "The token's audience and a configured one differ in capital letters only. Copy it from a token."
    AudienceDiffersByScheme "audience_differs_by_scheme"
        "The token's audience and a configured one differ in what stands before `://`. Entra writes api://CLIENT_ID in v1.0 tokens and CLIENT_ID in v2.0 tokens; `audience` may list both."
    AudienceMisspelt "audience_misspelt"
        "The token's audience and a configured one differ in one place, by one or two letters. Copy it from a token, or from the API's settings at the issuer."
    AudienceInAnotherClaim "audience_in_another_claim"
        "A configured audience stands in another claim (`client_id`, `azp`, `cid` or `appid`). Cognito's access tokens have no `aud`: set `audience_claim` to [\"aud\", \"client_id\"]; with Clerk and Keycloak [\"aud\", \"azp\"] may fit."
    AudienceClaimAbsent "audience_claim_absent"
        "The token has no audience. Name this API when asking for it (Auth0 `audience`, a custom scope, Keycloak an audience mapper), or set `audience_claim` to the claim that says whom it is for."
    AudienceIsAccount "audience_is_account"
        "The token's audience is `account`, Keycloak's own default. Add an audience mapper with this API's name to the client or to a client scope."
    IdTokenForAccessToken "id_token_for_access_token"
        "This is an ID token, which is meant for the client that signed the user in. Send the access token."
    AccessTokenForIdToken "access_token_for_id_token"
        "This is an access token, and the configuration asks for an ID token. Send the ID token, or set `required_claims` to what access tokens have (Cognito: `token_use` is `access`)."
    TypAbsent "typ_absent"
        "The token has no `typ` header, and `typ` is configured. Cognito, among others, sends none: remove `typ`, and tell tokens apart by `required_claims`."
    TypIsJwt "typ_is_jwt"
        "The token's `typ` is `JWT`, and the configuration asks for another. Not every issuer writes `at+jwt` (Auth0: choose the RFC 9068 profile): change that, or `typ`."
    PrincipalAbsent "principal_absent"
        "The token has none of the claims in `principal`. Tokens for machines may have no `sub`: set `principal` to a list, such as [\"sub\", \"client_id\"]."
    ScopesInAnotherClaim "scopes_in_another_claim"
        "The token lists its rights in another claim. Add that to `scope_claims`: `permissions` (Auth0 with RBAC), `roles` (Entra applications), `cognito:groups`, /realm_access/roles (Keycloak)."
    ScopeDiffersByCase "scope_differs_by_case"
        "The token has a scope that differs from one that the route needs in capital letters only."
    ScopeDiffersByPrefix "scope_differs_by_prefix"
        "The token has a scope that differs from one that the route needs in what stands before the last `/`. Cognito puts the resource server there (SERVER/read); Entra leaves api://CLIENT_ID/ out of `scp`. Write scopes as they stand in the token."
    ScopeMisspelt "scope_misspelt"
        "The token has a scope that differs from one that the route needs in one place, by one or two letters."
    ScopesSeparatedByCommas "scopes_separated_by_commas"
        "The token's scopes are one text with commas; scopes are separated by spaces (RFC 6749 section 3.3). Have the issuer send a list or spaces."
    MethodNotDeclared "method_not_declared"
        "The path is declared, and not for this method. If it should be, add the method to the route; a more specific path hides the methods of a less specific one."
    PathDiffersByCase "path_differs_by_case"
        "A path that differs in capital letters only is declared. Paths are compared as they are, by the gateway too."
}
