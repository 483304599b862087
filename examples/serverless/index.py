import json

HEADERS = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}


def orders(event, _):
    caller = event["requestContext"]["authorizer"]["principalId"]
    return {"statusCode": 200, "headers": HEADERS, "body": json.dumps({"principal": caller})}


def health(event, _):
    return {"statusCode": 200, "headers": HEADERS, "body": json.dumps({"status": "ok"})}
