"""Keys and tokens of the tests."""

import base64
import hashlib
import hmac
import json
import secrets
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header, claims, sign):
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{base64url(sign(text.encode()))}"


def claims(issuer, audience, **more):
    """Those of a token that is valid for an hour; `jti` makes each another text, and so another entry in the gateway's cache."""
    now = int(time.time())
    common = {"iss": issuer, "aud": audience, "sub": "ada", "iat": now, "exp": now + 3600, "jti": secrets.token_hex(8)}
    return {name: value for name, value in (common | more).items() if value is not None}


class RsaKey:
    """A key pair with a name."""

    def __init__(self, kid):
        self.kid = kid
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwk(self):
        numbers = self.private.public_key().public_numbers()
        parts = {name: base64url(n.to_bytes((n.bit_length() + 7) // 8, "big")) for name, n in (("n", numbers.n), ("e", numbers.e))}
        return {"kty": "RSA", "kid": self.kid, "alg": "RS256", "use": "sig"} | parts

    def token(self, payload):
        header = {"alg": "RS256", "typ": "JWT", "kid": self.kid}
        return signed(header, payload, lambda text: self.private.sign(text, padding.PKCS1v15(), hashes.SHA256()))


def hs256(secret, payload):
    header = {"alg": "HS256", "typ": "JWT"}
    return signed(header, payload, lambda text: hmac.new(secret, text, hashlib.sha256).digest())
