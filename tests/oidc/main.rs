//! The real program with a real OpenID provider, `oidc-provider` for Node.js: discovery, access tokens from client
//! credentials, key rotations under load, and the introspection of opaque tokens. Without Node.js the tests are skipped with a
//! message.

#[cfg(test)]
mod introspection;
#[cfg(test)]
mod provider;

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "other end-to-end tests use the rest")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use serde_json::{Value, json};

    use crate::provider::Provider;
    use crate::support::api::event;
    use crate::support::{Answer, Lambda};

    const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];
    const ROTATIONS: usize = 3;
    /// The cooldown in seconds. A key newer than this may be refused.
    const COOLDOWN: u64 = 1;

    /// Starts the program with only the provider's issuer, so that it must use discovery.
    fn lambda(provider: &Provider) -> Lambda {
        let config = json!({
            "policy": "single_request",
            "issuers": [{
                "issuer": provider.issuer, "audience": "https://api.example.com", "typ": "at+jwt",
                "keys_cache": { "cooldown_seconds": COOLDOWN },
            }],
            "routes": [{ "method": "GET", "path": "/movies", "scopes": "read:movies" }],
        });
        Lambda::start(&[
            ("AUTHORIZER_CONFIG", &config.to_string()),
            ("AWS_LAMBDA_MAX_CONCURRENCY", "4"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ])
    }

    /// The answer to a request with this token.
    pub(crate) fn ask(lambda: &Lambda, token: &str, request: &str) -> Answer {
        lambda.invoke(event(token, request))
    }

    #[track_caller]
    fn allowed(lambda: &Lambda, token: &str) {
        let policy = ask(lambda, token, "GET/movies").policy();
        assert_eq!(policy["policyDocument"]["Statement"][0]["Effect"], "Allow", "{policy}");
        assert_eq!(policy["principalId"], "client");
    }

    #[test]
    fn access_tokens_of_a_real_provider_are_verified_and_a_rotation_under_load_loses_none() {
        let Some(provider) = Provider::start_or_skip() else { return };
        let lambda = lambda(&provider);
        for alg in ALGORITHMS {
            let token = provider.token(alg);
            allowed(&lambda, &token);
            let denied = ask(&lambda, &token, "POST/movies").policy();
            assert_eq!(denied["policyDocument"]["Statement"][0]["Effect"], "Deny", "{denied}");
            let (signed, _) = token.rsplit_once('.').unwrap();
            let (_, signature) =
                provider.token(alg).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            let forged = ask(&lambda, &format!("{signed}.{signature}"), "GET/movies").policy();
            assert_eq!(forged["context"]["reason"], "invalid_signature", "{alg}");
        }
        let first = provider.token("ES256");
        let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for alg in ALGORITHMS {
                let (provider, lambda, stop, asked) = (&provider, &lambda, &stop, &asked);
                scope.spawn(move || {
                    // A token survives a rotation, because its key stays published for two more.
                    let mut before = provider.token(alg);
                    while !stop.load(Ordering::SeqCst) {
                        let token = provider.token(alg);
                        for _ in 0..5 {
                            allowed(lambda, &token);
                            allowed(lambda, &before);
                            asked.fetch_add(2, Ordering::SeqCst);
                        }
                        before = token;
                    }
                });
            }
            // Stops the load even if an assertion fails.
            let _stop = StopWhenDropped(&stop);
            for _ in 0..ROTATIONS {
                std::thread::sleep(Duration::from_millis(COOLDOWN * 1000 + 300));
                provider.rotate();
                allowed(&lambda, &provider.token("EdDSA"));
            }
            std::thread::sleep(Duration::from_millis(COOLDOWN * 1000 + 300));
        });
        assert_eq!(ask(&lambda, &first, "GET/movies").error().0, "Unauthorized", "its key is no longer published");
        println!("{} requests", asked.load(Ordering::SeqCst));

        let finished = lambda.stop();
        let fetches: Vec<Value> = finished
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["message"] == "key set")
            .collect();
        // One at start-up, one for each rotation, and one for the token whose key is no longer published.
        assert_eq!(fetches.len(), ROTATIONS + 2, "{fetches:?}");
        for fetch in fetches {
            assert_eq!((&fetch["outcome"], &fetch["skipped"]), (&json!("fetched"), &json!(0)), "{fetch}");
        }
    }

    struct StopWhenDropped<'a>(&'a AtomicBool);

    impl Drop for StopWhenDropped<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}
