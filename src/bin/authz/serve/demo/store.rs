//! The Pets store in memory: list, add, remove, and buy with the e-mail address that the authorizer passed on.

use std::cell::RefCell;

use http::StatusCode;
use serde_json::{Value, json};

/// As many pets as the store has room for.
const MAX_PETS: usize = 1000;
/// The longest name of a pet, in characters.
const MAX_NAME: usize = 100;

/// The pets.
pub(crate) struct Store(RefCell<Pets>);

struct Pets {
    next: u64,
    all: Vec<Pet>,
}

struct Pet {
    id: u64,
    name: String,
    price: u64,
    sold_to: Option<String>,
}

type Answer = (StatusCode, Value);

impl Store {
    /// A store with some pets.
    pub(crate) fn stocked() -> Self {
        let named = [("Biscuit the dog", 120), ("Pepper the cat", 80), ("Button the rabbit", 35)];
        let pet = |(id, (name, price)): (u64, (&str, u64))| Pet { id, name: name.to_owned(), price, sold_to: None };
        let all: Vec<Pet> = (1..).zip(named).map(pet).collect();
        Self(RefCell::new(Pets { next: 4, all }))
    }

    /// Every pet.
    pub(crate) fn list(&self) -> Answer {
        let pets = self.0.borrow();
        (StatusCode::OK, json!({ "pets": pets.all.iter().map(shown).collect::<Vec<_>>() }))
    }

    /// Adds a pet with a name and a price.
    pub(crate) fn add(&self, body: &Value) -> Answer {
        let name = body.get("name").and_then(Value::as_str).map(str::trim).unwrap_or_default();
        let price = body.get("price").and_then(Value::as_u64);
        let (true, Some(price)) = (!name.is_empty() && name.chars().count() <= MAX_NAME, price) else {
            return refused(
                StatusCode::BAD_REQUEST,
                r#"a pet has a name of 1 to 100 characters and a price: {"name": "Pepper the cat", "price": 80}"#,
            );
        };
        let mut pets = self.0.borrow_mut();
        if pets.all.len() >= MAX_PETS {
            return refused(StatusCode::CONFLICT, "the store is full");
        }
        let id = pets.next;
        pets.next = pets.next.saturating_add(1);
        let pet = Pet { id, name: name.to_owned(), price, sold_to: None };
        let answer = shown(&pet);
        pets.all.push(pet);
        (StatusCode::CREATED, answer)
    }

    /// Removes a pet that is not sold.
    pub(crate) fn remove(&self, id: &str) -> Answer {
        let mut pets = self.0.borrow_mut();
        match pets.all.iter().find(|pet| pet.id.to_string() == id) {
            None => refused(StatusCode::NOT_FOUND, "there is no such pet"),
            Some(pet) if pet.sold_to.is_some() => refused(StatusCode::CONFLICT, "the pet is sold"),
            Some(_) => {
                pets.all.retain(|pet| pet.id.to_string() != id);
                (StatusCode::OK, json!({ "removed": id }))
            }
        }
    }

    /// Sells a pet to the e-mail address of the context, whatever the body says.
    pub(crate) fn sell(&self, body: &Value, email: Option<&str>) -> Answer {
        let Some(id) = body.get("id").and_then(Value::as_u64) else {
            return refused(StatusCode::BAD_REQUEST, r#"say which pet: {"id": 1}"#);
        };
        let Some(email) = email else {
            return refused(StatusCode::INTERNAL_SERVER_ERROR, "the authorizer passed on no e-mail address");
        };
        match self.0.borrow_mut().all.iter_mut().find(|pet| pet.id == id) {
            None => refused(StatusCode::NOT_FOUND, "there is no such pet"),
            Some(pet) if pet.sold_to.is_some() => refused(StatusCode::CONFLICT, "the pet is sold already"),
            Some(pet) => {
                pet.sold_to = Some(email.to_owned());
                (StatusCode::OK, shown(pet))
            }
        }
    }
}

fn shown(pet: &Pet) -> Value {
    let mut shown = json!({ "id": pet.id, "name": pet.name, "price": pet.price });
    if let (Some(buyer), Some(members)) = (&pet.sold_to, shown.as_object_mut()) {
        members.insert("soldTo".to_owned(), buyer.as_str().into());
    }
    shown
}

fn refused(status: StatusCode, why: &str) -> Answer {
    (status, json!({ "error": why }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pet_is_sold_once_and_to_the_address_of_the_context() {
        let store = Store::stocked();
        let (status, sold) = store.sell(&json!({ "id": 2, "soldTo": "else@example.com" }), Some("a@example.com"));
        assert_eq!((status, sold.get("soldTo")), (StatusCode::OK, Some(&json!("a@example.com"))));
        assert_eq!(store.sell(&json!({ "id": 2 }), Some("b@example.com")).0, StatusCode::CONFLICT);
        assert_eq!(store.sell(&json!({ "id": 9 }), Some("b@example.com")).0, StatusCode::NOT_FOUND);
        assert_eq!(store.sell(&json!({ "id": "1" }), Some("b@example.com")).0, StatusCode::BAD_REQUEST);
        assert_eq!(store.sell(&json!({ "id": 1 }), None).0, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(store.remove("2").0, StatusCode::CONFLICT);
    }

    #[test]
    fn a_pet_is_added_with_a_name_and_a_price_and_removed_by_its_id() {
        let store = Store::stocked();
        for body in [
            json!(null),
            json!({ "name": " ", "price": 1 }),
            json!({ "name": "a", "price": -1 }),
            json!({ "name": "a".repeat(101), "price": 1 }),
        ] {
            assert_eq!(store.add(&body).0, StatusCode::BAD_REQUEST, "{body}");
        }
        let added = store.add(&json!({ "name": "Moss the tortoise", "price": 60, "soldTo": "x" }));
        assert_eq!(added, (StatusCode::CREATED, json!({ "id": 4, "name": "Moss the tortoise", "price": 60 })));
        assert_eq!(store.remove("4").0, StatusCode::OK);
        assert_eq!(store.remove("4").0, StatusCode::NOT_FOUND);
        let (_, listed) = store.list();
        assert_eq!(listed.get("pets").and_then(Value::as_array).map(Vec::len), Some(3));
    }
}
