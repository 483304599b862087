//! A minimal program with the libraries of the authorizer: it fetches a key over TLS and verifies a signature with it.
//! It only exists so that `cargo xtask size` can measure its zip. Do not deploy it.

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

fn main() -> Result<(), Error> {
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let client = client.clone();
        async move {
            let text = |name: &str| event.payload.get(name).and_then(Value::as_str).unwrap_or_default();
            let mut response = client.get(text("jwks_uri")).send().await?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk);
            }
            let verified = verify(&serde_json::from_slice(&body)?, text("input").as_bytes(), text("signature"));
            tracing::info!(verified = verified.is_some());
            Ok::<_, Error>(verified.is_some())
        }
    })))
}

fn verify(jwk: &Value, input: &[u8], signature: &str) -> Option<()> {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
    let rsa = || Some(RsaPublicKeyComponents { n: part("n")?, e: part("e")? });
    let key = match jwk.get("alg")?.as_str()? {
        "RS256" => rsa()?.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok(),
        "PS256" => rsa()?.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256).ok(),
        "ES256" => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, part("x")?).ok(),
        "ES384" => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, part("x")?).ok(),
        "EdDSA" => ParsedPublicKey::new(&ED25519, part("x")?).ok(),
        _ => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &part("k")?);
            return hmac::verify(&key, input, signature.as_bytes()).ok();
        }
    };
    key?.verify_sig(input, &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()
}
