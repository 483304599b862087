"""POST /pets/purchase: sells a pet to the e-mail address of the token, whatever the body says."""

import uuid

import store

EXAMPLE = '{"id": "0123456789abcdef0123456789abcdef"}'


@store.answers
def handler(event):
    email = store.caller(event)
    pet = store.body(event, EXAMPLE).get("id")
    if not isinstance(pet, str):
        raise store.Refused(400, "bad_id", f"Send the id of a pet from GET /pets, as in {EXAMPLE}")
    sale = {"S": uuid.uuid4().hex}
    try:
        item = store.dynamodb.update_item(
            TableName=store.TABLE,
            Key=store.key(pet),
            UpdateExpression="SET soldTo = :email, sale = :sale",
            # In one step with the sale: of two that buy in the same moment, the second one fails.
            ConditionExpression="attribute_exists(id) AND attribute_not_exists(soldTo)",
            ExpressionAttributeValues={":email": {"S": email}, ":sale": sale},
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )["Attributes"]
    except store.dynamodb.exceptions.ConditionalCheckFailedException as failed:
        item = failed.response.get("Item")
        if item is None:
            raise store.no_such_pet() from None
        # It is this sale if the SDK tried again after an answer that was lost.
        if item.get("sale") != sale:
            raise store.Refused(409, "sold", "Choose another pet: this one is sold") from None
    return 200, store.shown(item, email)
