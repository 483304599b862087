"""GET /pets: the pets, 100 at a time. A `next` in the answer is the `after` of the request for the rest."""

import store

PAGE = 100


@store.answers
def handler(event):
    email = store.caller(event)
    after = (event.get("queryStringParameters") or {}).get("after")
    if after is not None and not store.PET_ID.fullmatch(after):
        raise store.Refused(400, "bad_after", "Take after from the member next of an answer, or leave it out")
    begin = {} if after is None else {"ExclusiveStartKey": store.key(after)}
    page = store.dynamodb.scan(TableName=store.TABLE, Limit=PAGE, ConsistentRead=True, **begin)
    answer = {"pets": [store.shown(item, email) for item in page["Items"]]}
    if "LastEvaluatedKey" in page:
        answer["next"] = page["LastEvaluatedKey"]["id"]["S"]
    return 200, answer
