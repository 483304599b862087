//! The stories of the sample events, with everything in memory: Movies and Devices, Orders, and the Pets store.

mod store;

use serde_json::{Value, json};

pub(super) use store::Store;

/// The configuration that the sample events run with.
const CONFIGURATION: &str = include_str!("../../../../../events/config/authorizer.json");
const KEY_SET: &str = include_str!("../../../../../events/keys/orders.jwks.json");
const MOVIES_SECRET: &str = include_str!("../../../../../events/keys/movies.secret.txt");
const PETS_SECRET: &str = include_str!("../../../../../events/keys/pets.secret.base64");
const USERS: &str = include_str!("users.json");

/// The names of the secrets in the demo's environment.
const MOVIES: &str = "DEMO_MOVIES_SECRET";
const PETS: &str = "DEMO_PETS_SECRET";

/// The configuration, with its files in it.
pub(super) fn configuration() -> String {
    let secrets = [("../keys/movies.secret.txt", MOVIES), ("../keys/pets.secret.base64", PETS)];
    let mut text = CONFIGURATION.to_owned();
    for (file, name) in secrets {
        text = text.replace(&format!("\"file\": \"{file}\""), &format!("\"env\": \"{name}\""));
    }
    let set: Value = serde_json::from_str(KEY_SET).unwrap_or_default();
    text = text.replace("  \"$schema\": \"../../authorizer.schema.json\",\n", "");
    text.replace("\"jwks_file\": \"../keys/orders.jwks.json\"", &format!("\"jwks\": {set}"))
}

/// The environment that it is read with.
pub(super) fn environment(name: &str) -> Option<String> {
    match name {
        MOVIES => Some(MOVIES_SECRET.trim_end_matches('\n').to_owned()),
        PETS => Some(PETS_SECRET.trim_end_matches('\n').to_owned()),
        _ => None,
    }
}

/// Who plays in the stories.
pub(super) fn users() -> Value {
    serde_json::from_str(USERS).unwrap_or_default()
}

/// Movies, devices and orders do not change.
pub(super) fn shelf(resource: &str) -> Option<Value> {
    Some(match resource {
        "/movie" => json!({ "movies": [
            { "title": "The Lighthouse Keeper's Cat", "year": 2019 }, { "title": "Seven Trains to Nowhere", "year": 2023 },
        ] }),
        "/device" => json!({ "devices": [
            { "name": "Living room screen", "online": true }, { "name": "Kitchen radio", "online": false },
        ] }),
        "/orders" => json!({ "orders": [
            { "id": 17, "item": "12 boxes of nails", "state": "packed" }, { "id": 18, "item": "1 ladder", "state": "sent" },
        ] }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_reads_no_file() {
        let text = configuration();
        assert!(!text.contains("file") && !text.contains("../"), "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(document.pointer("/issuers/1/jwks/keys/0/n").is_some());
        assert!(environment(MOVIES).is_some_and(|secret| secret.len() >= 32));
        assert_eq!(environment("HOME"), None);
        assert_eq!(users().as_array().map(Vec::len), Some(7));
    }
}
