"""PyJWT under AWS's own Runtime Interface Client."""

import json
import os

import jwt

KEYS = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(json.load(open(os.environ["JWKS_FILE"]))).keys}
ISSUER, AUDIENCE, SCOPE = (os.environ[name] for name in ("ISSUER", "AUDIENCE", "SCOPE"))


def handler(event, context):
    token = event["authorizationToken"].removeprefix("Bearer ")
    key = KEYS[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    if SCOPE not in claims["scope"].split():
        raise Exception("Unauthorized")
    return {
        "principalId": claims["sub"],
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}],
        },
    }
