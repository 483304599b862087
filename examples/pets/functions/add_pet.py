"""POST /pets: adds a pet. Members of the body other than `name` and `price` count for nothing."""

import uuid

import store

EXAMPLE = '{"name": "Pepper the cat", "price": 80}'
LONGEST_NAME = 100
HIGHEST_PRICE = 1_000_000


@store.answers
def handler(event):
    email = store.caller(event)
    sent = store.body(event, EXAMPLE)
    item = {"id": {"S": uuid.uuid4().hex}, "name": {"S": name(sent)}, "price": {"N": str(price(sent))}}
    try:
        store.dynamodb.put_item(TableName=store.TABLE, Item=item, ConditionExpression="attribute_not_exists(id)")
    except store.dynamodb.exceptions.ConditionalCheckFailedException:
        # The SDK tried again after an answer that was lost. The pet is there, and may be sold by now.
        pass
    return 201, store.shown(item, email)


def name(sent):
    found = sent.get("name")
    found = found.strip() if isinstance(found, str) else ""
    # JSON can write halves of characters, which no database takes.
    if not 1 <= len(found) <= LONGEST_NAME or any("\ud800" <= character <= "\udfff" for character in found):
        raise store.Refused(400, "bad_name", f"Send a name of 1 to {LONGEST_NAME} characters, as in {EXAMPLE}")
    return found


def price(sent):
    found = sent.get("price")
    # To Python, true is a number.
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= HIGHEST_PRICE:
        raise store.Refused(400, "bad_price", f"Send a price that is a whole number from 0 to {HIGHEST_PRICE}, as in {EXAMPLE}")
    return found
