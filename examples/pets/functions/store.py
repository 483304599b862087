"""What the functions share: the table, what a request may say, and how they answer."""

import base64
import functools
import json
import os
import re

import boto3

TABLE = os.environ["TABLE"]
dynamodb = boto3.client("dynamodb")

HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
# What add_pet.py makes. Anything else is no pet, and is not looked up.
PET_ID = re.compile(r"[0-9a-f]{32}")


class Refused(Exception):
    """The answer to a request that cannot be done. As the gateway's own answers it has a message for people and an error for programs."""

    def __init__(self, status, error, message):
        super().__init__(message)
        self.status, self.document = status, {"message": message, "error": error}


def answers(function):
    """Makes a handler of a function that returns a status and a document, or raises Refused."""

    @functools.wraps(function)
    def handler(event, _context):
        try:
            status, document = function(event)
        except Refused as refused:
            status, document = refused.status, refused.document
        return {"statusCode": status, "headers": HEADERS, "body": json.dumps(document)}

    return handler


def body(event, example):
    """The JSON object that the client sent."""
    try:
        text = event.get("body") or ""
        found = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "bad_body", f"Send a JSON object, such as {example}")
    return found


def caller(event):
    """The e-mail address in the token, as the authorizer passed it on."""
    email = (event["requestContext"].get("authorizer") or {}).get("email")
    if not email:
        raise Refused(500, "no_email", 'Add "context": {"email": "email"} to the configuration of the authorizer, which passed on no e-mail address')
    return email


def no_such_pet():
    return Refused(404, "no_such_pet", "Take an id from GET /pets: there is no pet with this one")


def key(pet):
    if not PET_ID.fullmatch(pet):
        raise no_such_pet()
    return {"id": {"S": pet}}


def shown(item, email):
    """A pet. The buyer's address is for the buyer alone."""
    pet = {"id": item["id"]["S"], "name": item["name"]["S"], "price": int(item["price"]["N"]), "sold": "soldTo" in item}
    if pet["sold"] and item["soldTo"]["S"] == email:
        pet["soldTo"] = email
    return pet
