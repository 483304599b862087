//! The Pets store in memory. It answers as the functions of `examples/pets` do: list, add, remove, and buy for the e-mail address that
//! the authorizer passed on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use http::StatusCode;
use serde_json::{Value, json};

/// As many pets as the store has room for. A table in DynamoDB has no such limit.
const MAX_PETS: usize = 1000;
/// As many pets as one answer lists.
const PAGE: usize = 100;
/// The longest name of a pet, in characters.
const MAX_NAME: usize = 100;
/// The highest price of a pet.
const MAX_PRICE: u64 = 1_000_000;

const TO_ADD: &str = r#"{"name": "Pepper the cat", "price": 80}"#;
const TO_BUY: &str = r#"{"id": "0123456789abcdef0123456789abcdef"}"#;

/// The pets, by their ids.
pub(crate) struct Store(RefCell<BTreeMap<String, Pet>>);

struct Pet {
    name: String,
    price: u64,
    sold_to: Option<String>,
}

/// A status and a document.
pub(crate) type Answer = (StatusCode, Value);

impl Store {
    /// A store with some pets. Their ids are the same each time, so that the page can show a body that buys one.
    pub(crate) fn stocked() -> Self {
        let named = [("Biscuit the dog", 120), ("Pepper the cat", 80), ("Button the rabbit", 35)];
        let pet = |(number, (name, price)): (u32, (&str, u64))| {
            (format!("{number:032x}"), Pet { name: name.to_owned(), price, sold_to: None })
        };
        Self(RefCell::new((1..).zip(named).map(pet).collect()))
    }

    /// The pets after this one, 100 at a time.
    pub(crate) fn list(&self, after: Option<&str>, email: Option<&str>) -> Answer {
        let Some(email) = email else { return no_email() };
        if after.is_some_and(|after| !is_id(after)) {
            return refused(400, "bad_after", "Take after from the member next of an answer, or leave it out");
        }
        let pets = self.0.borrow();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = pets.range::<str, _>((start, Bound::Unbounded));
        let page: Vec<(&String, &Pet)> = rest.by_ref().take(PAGE).collect();
        let listed: Vec<Value> = page.iter().map(|(id, pet)| shown(id, pet, email)).collect();
        let mut answer = json!({ "pets": listed });
        if let (Some(_), Some((last, _)), Some(members)) = (rest.next(), page.last(), answer.as_object_mut()) {
            members.insert("next".to_owned(), last.as_str().into());
        }
        (StatusCode::OK, answer)
    }

    /// Adds a pet with a name and a price. Other members of the body count for nothing.
    pub(crate) fn add(&self, body: &Value, email: Option<&str>) -> Answer {
        let Some(email) = email else { return no_email() };
        let Some(body) = body.as_object() else { return bad_body(TO_ADD) };
        let name = body.get("name").and_then(Value::as_str).map(str::trim).unwrap_or_default();
        if name.is_empty() || name.chars().count() > MAX_NAME {
            return refused(400, "bad_name", &format!("Send a name of 1 to {MAX_NAME} characters, as in {TO_ADD}"));
        }
        let price = body.get("price").and_then(Value::as_u64).filter(|price| *price <= MAX_PRICE);
        let Some(price) = price else {
            let why = format!("Send a price that is a whole number from 0 to {MAX_PRICE}, as in {TO_ADD}");
            return refused(400, "bad_price", &why);
        };
        let mut pets = self.0.borrow_mut();
        let Some(id) = id().filter(|_| pets.len() < MAX_PETS) else {
            return refused(409, "full", "Start the demo again: the store is full");
        };
        let pet = Pet { name: name.to_owned(), price, sold_to: None };
        let answer = shown(&id, &pet, email);
        pets.insert(id, pet);
        (StatusCode::CREATED, answer)
    }

    /// Removes a pet that is not sold.
    pub(crate) fn remove(&self, id: &str) -> Answer {
        let mut pets = self.0.borrow_mut();
        match pets.get(id) {
            None => no_such_pet(),
            Some(pet) if pet.sold_to.is_some() => refused(409, "sold", "Remove another pet: this one is sold"),
            Some(_) => {
                pets.remove(id);
                (StatusCode::OK, json!({ "removed": id }))
            }
        }
    }

    /// Sells a pet to the e-mail address of the context, whatever the body says.
    pub(crate) fn sell(&self, body: &Value, email: Option<&str>) -> Answer {
        let Some(email) = email else { return no_email() };
        let Some(body) = body.as_object() else { return bad_body(TO_BUY) };
        let Some(id) = body.get("id").and_then(Value::as_str) else {
            return refused(400, "bad_id", &format!("Send the id of a pet from GET /pets, as in {TO_BUY}"));
        };
        match self.0.borrow_mut().get_mut(id) {
            None => no_such_pet(),
            Some(pet) if pet.sold_to.is_some() => refused(409, "sold", "Choose another pet: this one is sold"),
            Some(pet) => {
                pet.sold_to = Some(email.to_owned());
                (StatusCode::OK, shown(id, pet, email))
            }
        }
    }
}

/// A pet. The buyer's address is for the buyer alone.
fn shown(id: &str, pet: &Pet, email: &str) -> Value {
    let mut shown = json!({ "id": id, "name": pet.name, "price": pet.price, "sold": pet.sold_to.is_some() });
    if let (Some(buyer), Some(members)) =
        (pet.sold_to.as_deref().filter(|buyer| *buyer == email), shown.as_object_mut())
    {
        members.insert("soldTo".to_owned(), buyer.into());
    }
    shown
}

/// An answer with a message for people and an error for programs, as the gateway's own have.
fn refused(status: u16, error: &str, message: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, json!({ "message": message, "error": error }))
}

fn bad_body(example: &str) -> Answer {
    refused(400, "bad_body", &format!("Send a JSON object, such as {example}"))
}

fn no_such_pet() -> Answer {
    refused(404, "no_such_pet", "Take an id from GET /pets: there is no pet with this one")
}

fn no_email() -> Answer {
    let why = r#"Add "context": {"email": "email"} to the configuration of the authorizer, which passed on no e-mail address"#;
    refused(500, "no_email", why)
}

/// A new id: 32 hexadecimal digits. `None` if there is no randomness.
fn id() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Option<&str> = Some("ada@example.com");
    const BOB: Option<&str> = Some("bob@example.com");

    fn told(answer: Answer) -> (u16, String) {
        (answer.0.as_u16(), answer.1.get("error").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    fn first(store: &Store) -> String {
        store.list(None, ADA).1.pointer("/pets/0/id").and_then(Value::as_str).unwrap().to_owned()
    }

    #[test]
    fn a_pet_is_sold_once_and_to_the_address_of_the_context_which_the_buyer_alone_sees() {
        let store = Store::stocked();
        let id = first(&store);
        let sold = store.sell(&json!({ "id": id, "soldTo": "else@example.com", "email": "else@example.com" }), ADA);
        assert_eq!((sold.0, sold.1.get("soldTo")), (StatusCode::OK, Some(&json!("ada@example.com"))));
        let seen = |email| store.list(None, email).1.pointer("/pets/0").cloned().unwrap();
        assert_eq!(seen(ADA), sold.1);
        assert_eq!((seen(BOB).get("sold"), seen(BOB).get("soldTo")), (Some(&json!(true)), None));
        for email in [ADA, BOB] {
            assert_eq!(told(store.sell(&json!({ "id": id }), email)), (409, "sold".to_owned()));
        }
        assert_eq!(told(store.remove(&id)), (409, "sold".to_owned()));
        for other in ["0".repeat(32), String::new(), "A".repeat(3000)] {
            assert_eq!(told(store.sell(&json!({ "id": other }), ADA)), (404, "no_such_pet".to_owned()));
        }
        for number in [json!(1), json!(null), json!([id])] {
            assert_eq!(told(store.sell(&json!({ "id": number }), ADA)), (400, "bad_id".to_owned()));
        }
        assert_eq!(told(store.sell(&json!([]), ADA)), (400, "bad_body".to_owned()));
    }

    #[test]
    fn a_pet_is_added_with_a_name_and_a_price_and_removed_by_its_id() {
        let store = Store::stocked();
        for (body, error) in [
            (json!(null), "bad_body"),
            (json!([]), "bad_body"),
            (json!({ "price": 1 }), "bad_name"),
            (json!({ "name": " ", "price": 1 }), "bad_name"),
            (json!({ "name": "a".repeat(101), "price": 1 }), "bad_name"),
            (json!({ "name": "a" }), "bad_price"),
            (json!({ "name": "a", "price": -1 }), "bad_price"),
            (json!({ "name": "a", "price": 1.5 }), "bad_price"),
            (json!({ "name": "a", "price": true }), "bad_price"),
            (json!({ "name": "a", "price": 1_000_001 }), "bad_price"),
        ] {
            assert_eq!(told(store.add(&body, ADA)), (400, error.to_owned()), "{body}");
        }
        let (status, mut added) =
            store.add(&json!({ "name": " Moss the tortoise 🐢 ", "price": 0, "soldTo": "x" }), ADA);
        let id = added.as_object_mut().unwrap().remove("id").unwrap();
        assert_eq!(
            (status, added),
            (StatusCode::CREATED, json!({ "name": "Moss the tortoise 🐢", "price": 0, "sold": false }))
        );
        let id = id.as_str().unwrap();
        assert!(is_id(id), "{id}");
        assert_eq!(store.remove(id), (StatusCode::OK, json!({ "removed": id })));
        assert_eq!(told(store.remove(id)), (404, "no_such_pet".to_owned()));
    }

    #[test]
    fn nobody_acts_without_an_email_address_and_the_answer_says_what_to_configure() {
        let store = Store::stocked();
        let body = json!({ "id": first(&store), "name": "a", "price": 1 });
        for answer in [store.list(None, None), store.add(&body, None), store.sell(&body, None)] {
            assert_eq!(told(answer), (500, "no_email".to_owned()));
        }
    }

    #[test]
    fn a_long_list_comes_in_pages_that_have_every_pet_once() {
        let store = Store::stocked();
        (0..997).for_each(|_| assert_eq!(store.add(&json!({ "name": "a", "price": 1 }), ADA).0, StatusCode::CREATED));
        assert_eq!(told(store.add(&json!({ "name": "a", "price": 1 }), ADA)), (409, "full".to_owned()));
        let (mut seen, mut after) = (std::collections::BTreeSet::new(), None);
        for page in 1..=10 {
            let (_, answer) = store.list(after.as_deref(), ADA);
            let pets = answer.get("pets").and_then(Value::as_array).unwrap();
            assert_eq!(pets.len(), 100);
            seen.extend(pets.iter().map(|pet| pet.get("id").and_then(Value::as_str).unwrap().to_owned()));
            after = answer.get("next").and_then(Value::as_str).map(str::to_owned);
            assert_eq!(after.is_some(), page < 10);
        }
        assert_eq!(seen.len(), 1000);
        assert_eq!(told(store.list(Some("pepper"), ADA)), (400, "bad_after".to_owned()));
    }
}
