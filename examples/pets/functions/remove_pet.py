"""DELETE /pets/{id}: removes a pet that is not sold."""

import store


@store.answers
def handler(event):
    pet = event["pathParameters"]["id"]
    try:
        store.dynamodb.delete_item(
            TableName=store.TABLE,
            Key=store.key(pet),
            # In one step with the removal: the pet may be bought in this moment.
            ConditionExpression="attribute_exists(id) AND attribute_not_exists(soldTo)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except store.dynamodb.exceptions.ConditionalCheckFailedException as failed:
        if "Item" not in failed.response:
            raise store.no_such_pet() from None
        raise store.Refused(409, "sold", "Remove another pet: this one is sold") from None
    return 200, {"removed": pet}
