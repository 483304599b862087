//! Key sets of tenants: one for each, or one for all.

use serde_json::{Value, json};

use crate::support::http::Reply;
use crate::support::{KeyServer, SigningKey, jwks, key, stranger};
use crate::world::{Local, NOW, api, down};

/// The audience-bound claims of a tenant's token.
fn claims(server: &KeyServer, tenant: &str) -> Value {
    json!({ "iss": server.url(&format!("/{tenant}")), "aud": "api", "sub": "alice", "exp": NOW + 1_000_000 })
}

fn token(server: &KeyServer, tenant: &str, signer: &SigningKey) -> String {
    signer.token(&claims(server, tenant))
}

fn path(tenant: &str) -> String {
    format!("/{tenant}/keys")
}

/// An API whose tenants each have a key set on this server.
fn per_tenant(server: &KeyServer, tenants: &[String], keys_cache: Value) -> Value {
    api(json!([{
        "issuer": server.url("/{tenant}"),
        "tenants": tenants,
        "audience": "api",
        "jwks_uri": server.url("/{tenant}/keys"),
        "keys_cache": keys_cache,
    }]))
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("t{number}")).collect()
}

fn publish(server: &KeyServer, tenant: &str, keys: &[&SigningKey]) {
    server.set(&path(tenant), Reply::json(&jwks(keys.iter().copied())));
}

#[test]
fn each_listed_tenant_has_a_key_set_of_its_own() {
    let server = KeyServer::start();
    let (a, b) = (key("ES256"), stranger("ES256"));
    publish(&server, "a", &[&a]);
    publish(&server, "b", &[&b]);
    let local = Local::new(&per_tenant(&server, &["a".to_owned(), "b".to_owned()], json!({})));
    assert_eq!(local.decides(&token(&server, "a", &a)), "allow");
    assert_eq!((server.count(&path("a")), server.count(&path("b"))), (1, 0), "a set is fetched with the first token");
    assert_eq!(local.decides(&token(&server, "b", &b)), "allow");
    for (tenant, signer) in [("a", &b), ("b", &a)] {
        assert_eq!(local.decides(&token(&server, tenant, signer)), "Unauthorized");
    }
    // The same `kid` in another tenant's set helps nobody.
    let (a, b) = (key("ES256").named("k"), stranger("ES256").named("k"));
    publish(&server, "a", &[&a]);
    publish(&server, "b", &[&b]);
    local.clock.advance(1000);
    assert_eq!(local.decides(&token(&server, "a", &a)), "allow");
    assert_eq!(local.decides(&token(&server, "b", &b)), "allow");
    assert_eq!(local.decides(&token(&server, "a", &b)), "deny invalid_signature");
    assert_eq!(local.decides(&token(&server, "b", &a)), "deny invalid_signature");
}

#[test]
fn each_tenant_is_discovered_by_itself() {
    let server = KeyServer::start();
    let discovery = |tenant: &str, issuer: &str| {
        let document = json!({ "issuer": server.url(&format!("/{issuer}")), "jwks_uri": server.url(&path(tenant)) });
        server.set(&format!("/{tenant}/.well-known/openid-configuration"), Reply::json(&document));
        publish(&server, tenant, &[&key("ES256")]);
    };
    discovery("a", "a");
    // A document that names another tenant is not the tenant's.
    discovery("b", "a");
    let local = Local::new(&api(json!([{
        "issuer": server.url("/{tenant}"), "tenants": ["a", "b"], "audience": "api",
    }])));
    assert_eq!(local.decides(&token(&server, "a", &key("ES256"))), "allow");
    assert_eq!(local.decides(&token(&server, "b", &key("ES256"))), "KeysUnavailable");
    assert_eq!(server.count(&path("b")), 0);
}

#[test]
fn nothing_is_fetched_for_a_tenant_that_is_not_listed() {
    let server = KeyServer::start();
    let local = Local::new(&per_tenant(&server, &names(3), json!({})));
    for number in 3..200 {
        let tenant = format!("t{number}");
        publish(&server, &tenant, &[&key("ES256")]);
        assert_eq!(local.decides(&token(&server, &tenant, &key("ES256"))), "deny unknown_issuer");
        assert_eq!(server.count(&path(&tenant)), 0);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn start_up_fetches_the_first_sixteen_sets_as_they_are_listed() {
    let server = KeyServer::start();
    let tenants = names(40);
    for tenant in &tenants {
        publish(&server, tenant, &[&key("ES256")]);
    }
    let local = Local::new(&per_tenant(&server, &tenants, json!({})));
    local.warm_up();
    for (number, tenant) in tenants.iter().enumerate() {
        assert_eq!(server.count(&path(tenant)), usize::from(number < 16), "{tenant}");
    }
    assert_eq!(local.decides(&token(&server, "t39", &key("ES256"))), "allow");
}

#[test]
fn an_outage_of_one_tenant_is_not_noticed_by_the_others() {
    let server = KeyServer::start();
    publish(&server, "a", &[&key("ES256")]);
    server.set(&path("b"), down());
    let local = Local::new(&per_tenant(&server, &["a".to_owned(), "b".to_owned()], json!({})));
    for _ in 0..3 {
        assert_eq!(local.decides(&token(&server, "b", &key("ES256"))), "KeysUnavailable");
        assert_eq!(local.decides(&token(&server, "a", &key("ES256"))), "allow");
    }
    assert_eq!(server.count(&path("a")), 1);
    publish(&server, "b", &[&key("ES256")]);
    local.clock.advance(61);
    assert_eq!(local.decides(&token(&server, "b", &key("ES256"))), "allow");
}

#[test]
fn a_flood_of_unknown_keys_in_one_tenant_delays_no_rotation_in_another() {
    let server = KeyServer::start();
    let (old, new) = (key("ES256"), stranger("ES256"));
    for tenant in ["a", "b"] {
        publish(&server, tenant, &[&old]);
    }
    let local = Local::new(&per_tenant(&server, &["a".to_owned(), "b".to_owned()], json!({})));
    for tenant in ["a", "b"] {
        assert_eq!(local.decides(&token(&server, tenant, &old)), "allow");
    }
    local.clock.advance(15);
    for number in 0..50 {
        let flood = old.token_with(&json!({ "alg": "ES256", "kid": format!("k{number}") }), &claims(&server, "a"));
        assert_eq!(local.decides(&flood), "Unauthorized");
    }
    assert_eq!(server.count(&path("a")), 2);
    publish(&server, "b", &[&old, &new]);
    assert_eq!(local.decides(&token(&server, "b", &new)), "allow");
}

#[test]
fn invented_tenants_share_the_one_budget_of_a_set_for_any_tenant() {
    let server = KeyServer::start();
    let with_issuer = |signer: &SigningKey| {
        let mut jwk = signer.jwk();
        jwk["issuer"] = server.url("/{tenantid}").into();
        jwk
    };
    server.set("/keys", Reply::json(&json!({ "keys": [with_issuer(&key("ES256"))] })));
    let local = Local::new(&api(json!([{
        "issuer": server.url("/{tenant}"), "tenants": "any", "audience": "api", "jwks_uri": server.url("/keys"),
    }])));
    for tenant in ["a", "b", "c"] {
        assert_eq!(local.decides(&token(&server, tenant, &key("ES256"))), "allow");
    }
    assert_eq!(server.count("/keys"), 1);
    local.clock.advance(15);
    for number in 0..100 {
        let tenant = format!("invented-{number}");
        assert_eq!(local.decides(&token(&server, &tenant, &stranger("ES256"))), "Unauthorized");
        assert_eq!(local.decides(&token(&server, "a", &key("ES256"))), "allow");
    }
    assert_eq!(server.count("/keys"), 2);
    server.set("/keys", Reply::json(&json!({ "keys": [with_issuer(&stranger("ES256"))] })));
    local.clock.advance(15);
    assert_eq!(local.decides(&token(&server, "b", &stranger("ES256"))), "allow");
    assert_eq!(local.decides(&token(&server, "a", &key("ES256"))), "Unauthorized");
}

/// The tenants of one provider, each with its own keys, rotations and outages.
#[test]
fn two_hundred_tenants_with_rotations_and_outages_lose_no_valid_request() {
    const TENANTS: usize = 200;
    const ROUNDS: usize = 30;
    let server = KeyServer::start();
    let tenants = names(TENANTS);
    let signers = ["ES256", "EdDSA"].map(|alg| [key(alg), stranger(alg)]);
    let signer = |number: usize, rotations: usize| {
        let mine = &signers[number % 2][rotations % 2];
        SigningKey::named(mine.clone(), &format!("k{rotations}"))
    };
    let set = |number: usize, rotations: usize| {
        // Providers publish a key with the one before it.
        let held = rotations.saturating_sub(1)..=rotations;
        jwks(&held.map(|rotations| signer(number, rotations)).collect::<Vec<_>>())
    };
    let mut rotations = vec![0_usize; TENANTS];
    for (number, tenant) in tenants.iter().enumerate() {
        server.set(&path(tenant), Reply::json(&set(number, 0)));
    }
    let local = Local::new(&per_tenant(&server, &tenants, json!({ "fresh_seconds": 100, "stale_seconds": 10_000 })));
    local.warm_up();
    let mut decided = 0;
    for round in 0..ROUNDS {
        // Past the cooldown each time, and past the freshness of all sets every few rounds.
        local.clock.advance(20);
        let is_down = |number: usize| round > 0 && (number + round).is_multiple_of(7);
        let rotates = |number: usize| (number + round).is_multiple_of(5) && !is_down(number);
        for (number, tenant) in tenants.iter().enumerate() {
            if rotates(number) {
                rotations[number] += 1;
            }
            let reply = if is_down(number) { down() } else { Reply::json(&set(number, rotations[number])) };
            server.set(&path(tenant), reply);
        }
        let genuine = tenants.iter().enumerate().flat_map(|(number, tenant)| {
            let now = token(&server, tenant, &signer(number, rotations[number]));
            let before = token(&server, tenant, &signer(number, rotations[number].saturating_sub(1)));
            [now, before]
        });
        let genuine: Vec<String> = genuine.collect();
        let forged = (0..TENANTS).map(|number| {
            let tenant = format!("invented-{round}-{number}");
            token(&server, &tenant, &signer(number, 0))
        });
        let foreign = tenants.iter().enumerate().map(|(number, tenant)| {
            // The key of the tenant's neighbour, under a name that the tenant has too.
            let rotations = rotations[number];
            token(&server, tenant, &signer(number + 1, rotations))
        });
        let (forged, foreign): (Vec<String>, Vec<String>) = (forged.collect(), foreign.collect());
        let count = genuine.len();
        let all = genuine.iter().chain(&forged).chain(&foreign).cloned();
        let decisions = local.decide_at_once(all);
        let (genuine, others) = decisions.split_at(count);
        let (forged, foreign) = others.split_at(TENANTS);
        assert!(genuine.iter().all(|decision| decision == "allow"), "round {round}: {genuine:?}");
        assert!(forged.iter().all(|decision| decision == "deny unknown_issuer"), "round {round}: {forged:?}");
        assert!(foreign.iter().all(|decision| decision != "allow"), "round {round}: {foreign:?}");
        decided += decisions.len();
    }
    assert_eq!(decided, ROUNDS * TENANTS * 4);
}
