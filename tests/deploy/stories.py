"""The sample API's stories, told to a deployed stack."""

import base64
import json
import re
import subprocess
import time

import tokens
from cloud import ARCHITECTURE, ROOT, listening
from shell import ended

AUDIENCE = "https://api.example.com"
CONNECTION = "https://pets.example.com/connection"
DATABASE, SOCIAL = "Username-Password-Authentication", "google-oauth2"
LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:AWS-Parameters-and-Secrets-Lambda-Extension:17"
# The default of `keys_cache.cooldown_seconds`, and a little.
COOLDOWN = 16

# What a token has beside the common claims, the request, and what the client sees.
SCENES = [
    ("movies: the scope", {"scope": "read:Movies"}, "GET", "/movie", 200),
    ("movies: another scope", {"scope": "read:Devices"}, "GET", "/movie", 403),
    ("movies: no scope", {}, "GET", "/movie", 403),
    ("devices: the scope", {"scope": "openid read:Devices"}, "GET", "/device", 200),
    ("devices: another scope", {"scope": "read:Movies"}, "GET", "/device", 403),
    ("orders: anyone", {}, "GET", "/orders", 200),
    ("pets: anyone", {"email": "ada@example.com"}, "GET", "/pets", 200),
    ("pets: a database user adds one", {CONNECTION: DATABASE, "email": "ada@example.com"}, "POST", "/pets", 200),
    ("pets: a social user may not", {CONNECTION: SOCIAL}, "POST", "/pets", 403),
    ("pets: a social user buys one", {CONNECTION: SOCIAL, "email": "grace@example.com"}, "POST", "/pets/purchase", 200),
    ("pets: a database user may not", {CONNECTION: DATABASE}, "POST", "/pets/purchase", 403),
]


def expect(check, what, response, status):
    check(f"{what}: {status}", response.status == status, f"{response.status} {response.body[:200]}")
    return response


def told(check, api, token):
    """Each story, allowed and refused; `token` mints one with the claims that it is given."""
    for what, more, method, path, status in SCENES:
        response = expect(check, what, api.send(method, path, f"Bearer {token(**more)}"), status)
        if status == 200:
            heard = {"route": f"{method} {path}", "principal": "ada"} | ({"email": more["email"]} if "email" in more else {})
            check(f"{what}: the backend hears who calls", response.status == 200 and response.json() == heard, response.body[:200])


def without_invoking(check, api):
    """What the gateway refuses by itself."""
    for what, authorization in [
        ("no token", None),
        ("another scheme", "Basic YWRhOmFkYQ=="),
        ("no JWT", "Bearer abc"),
        ("an unsigned JWT", "Bearer eyJhbGciOiJub25lIn0.e30."),
        ("text after the JWT", "Bearer a.b.c d"),
        ("text before the scheme", "x Bearer a.b.c"),
    ]:
        expect(check, f"{what} does not match the expression", api.send("GET", "/orders", authorization), 401)


def preflight(check, api):
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    expect(check, "a preflight needs no token", api.send("OPTIONS", "/pets", None, headers), 200)


def public_keys(check, cloud, provider):
    """Issuer and audience, nothing else: the two answers that `sam deploy --guided` needs."""
    first, second, stranger = (tokens.RsaKey(kid) for kid in ("first", "second", "stranger"))
    provider.keys = [first]
    api = cloud.deploy("keys", Issuer=provider.issuer, Audience=AUDIENCE)

    def minted(key=first, **more):
        return key.token(tokens.claims(provider.issuer, AUDIENCE, **more))

    without_invoking(check, api)
    preflight(check, api)
    told(check, api, minted)

    expired = minted(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600)
    for what, token in [("expired", expired), ("for another audience", minted(aud="https://other.example.com")), ("of another issuer", minted(iss="https://other.example.com/"))]:
        expect(check, f"invalid_token deny: a token {what}", api.send("GET", "/orders", f"Bearer {token}"), 403)
    tampered = minted().rsplit(".", 1)[0] + "." + minted().rsplit(".", 1)[1]
    expect(check, "invalid_token deny: another token's signature", api.send("GET", "/orders", f"Bearer {tampered}"), 403)

    # One answer serves every route of its authorizer. From here the function cannot answer, so what is answered is cached.
    database = f"Bearer {minted(**{CONNECTION: DATABASE})}"
    social = f"bearer {minted(**{CONNECTION: SOCIAL})}"
    expect(check, "a token's first request, allowed", api.send("GET", "/orders", database), 200)
    expect(check, "another token's first request, refused", api.send("POST", "/pets", social), 403)
    right = api.configuration()
    api.configure({"issuers": []})
    for method, path, status in [("GET", "/orders", 200), ("GET", "/pets", 200), ("POST", "/pets", 200), ("POST", "/pets/purchase", 403)]:
        expect(check, f"the first token, from the cache, {method} {path}", api.send(method, path, database), status)
    for method, path, status in [("POST", "/pets", 403), ("POST", "/pets/purchase", 200), ("GET", "/orders", 200)]:
        expect(check, f"the second token, from the cache, {method} {path}", api.send(method, path, social), status)
    later = f"Bearer {minted()}"
    expect(check, "a wrong configuration is an error", api.send("GET", "/orders", later), 500)
    broken = api.invoke({})
    # The local AWS puts the whole init error into the message.
    check("... which says what is wrong", all(text in broken["errorMessage"] for text in ("ConfigurationError", "issuers: ")), broken)
    api.configure(right)
    expect(check, "... and is not cached", api.send("GET", "/orders", later), 200)

    # Rotation: the provider signs with a new key, and then takes the old one away.
    provider.keys = [first, second]
    time.sleep(COOLDOWN)
    rotated = minted(second)
    expect(check, "rotation: the first token with a new key", api.send("GET", "/orders", f"Bearer {rotated}"), 200)
    expect(check, "rotation: a token with the old key", api.send("GET", "/orders", f"Bearer {minted()}"), 200)
    unknown = f"Bearer {minted(stranger)}"
    expect(check, "a key that nobody publishes, although invalid_token is deny", api.send("GET", "/orders", unknown), 401)
    check("... cost no fetch within the cooldown", provider.key_fetches <= 3, provider.key_fetches)

    # An outage: known keys serve on; what cannot be decided is an error, is not cached, and heals.
    provider.down = True
    expect(check, "outage: a token with a known key", api.send("GET", "/orders", f"Bearer {minted(second)}"), 200)
    time.sleep(COOLDOWN)
    third = tokens.RsaKey("third")
    undecided = f"Bearer {minted(third)}"
    expect(check, "outage: a token with a key not seen yet", api.send("GET", "/orders", undecided), 500)
    expect(check, "outage: ... again", api.send("GET", "/orders", undecided), 500)
    provider.keys, provider.down = [second, third], False
    healed = after(60, lambda: api.send("GET", "/orders", undecided), 200)
    expect(check, "after the outage: the same token", healed, 200)
    expect(check, "after the outage: a new token with the key taken away", api.send("GET", "/orders", f"Bearer {minted()}"), 401)

    # A new environment that starts in an outage has nothing to go by.
    provider.down = True
    api.configure(right + " ")
    cold = f"Bearer {minted(third)}"
    expect(check, "a cold start in an outage", api.send("GET", "/orders", cold), 500)
    provider.down = False
    expect(check, "... heals", after(60, lambda: api.send("GET", "/orders", cold), 200), 200)


def after(seconds, send, status):
    """The first response with that status, or the last one."""
    end = time.monotonic() + seconds
    while (response := send()).status != status and time.monotonic() < end:
        time.sleep(1)
    return response


def shared_secret(check, cloud, provider):
    """A secret from Secrets Manager through the extension, and 401 for invalid tokens."""
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:jwt-AbCdEf"
    secret = bytes(range(64))
    provider.stored[arn] = json.dumps({"key": base64.b64encode(secret).decode()})
    issuer = "https://issuer.example.com/"
    api = cloud.deploy(
        "secret", Issuer=issuer, Audience=f"https://other.example.com,{AUDIENCE}", SecretArn=arn, SecretField="key",
        SecretEncoding="base64", ExtensionLayerArn=LAYER, InvalidToken="unauthorized", Runtime="provided.al2023",
    )

    def minted(secret=secret, **more):
        return tokens.hs256(secret, tokens.claims(issuer, AUDIENCE, **more))

    without_invoking(check, api)
    told(check, api, minted)
    expired = minted(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600)
    for what, token in [("expired", expired), ("for another audience", minted(aud="https://third.example.com")), ("by another secret", minted(secret[::-1]))]:
        expect(check, f"invalid_token unauthorized: a token {what}", api.send("GET", "/orders", f"Bearer {token}"), 401)


def events(check, cloud, provider):
    """The sample events under their own configuration, which travels in the parameter `Configuration`."""
    keys = ROOT / "events/keys"
    document = json.loads((ROOT / "events/config/authorizer.json").read_text())
    del document["$schema"]
    for entry in document["issuers"]:
        # A function has no such files: the secrets are in Secrets Manager, and the key set is in the document.
        if "secret" in entry:
            name = entry["secret"].pop("file").split("/")[-1]
            entry["secret"]["secrets_manager"] = name
            provider.stored[name] = (keys / name).read_text().rstrip("\n")
        else:
            entry["jwks"] = json.loads((keys / entry.pop("jwks_file").split("/")[-1]).read_text())
    api = cloud.deploy("events", Configuration=json.dumps(document, separators=(",", ":")), ExtensionLayerArn=LAYER)

    seen = set()
    for file in sorted((ROOT / "events").glob("*.json")):
        event = json.loads(file.read_text())
        answer = json.loads((ROOT / "events/answers" / file.name).read_text())
        arn = event["methodArn"]
        method, path = re.fullmatch(r"[^/]+/demo/([A-Z]+)(/.*)", arn).groups()
        authorization = event.get("authorizationToken")
        if not re.fullmatch(r"[Bb]earer +[-\w]+\.[-\w]+\.[-\w]+", authorization or "", re.ASCII) or "errorType" in answer:
            status = 401
        else:
            first, *_ = answer["policyDocument"]["Statement"]
            status = 200 if first["Effect"] == "Allow" and arn in first["Resource"] else 403
        if (method, path) not in {(scene[2], scene[3]) for scene in SCENES}:
            status = 403  # no such method in the API, and so no authorizer either
        response = expect(check, f"event {file.stem}", api.send(method, path, authorization), status)
        seen.add(status)
        if status == 200:
            heard = response.json()
            same = heard["principal"] == answer["principalId"] and heard.get("email") == answer.get("context", {}).get("email")
            check(f"event {file.stem}: the backend hears who calls", same, response.body)
    check("the events tell of 200, 401 and 403", seen == {200, 401, 403}, seen)


def alone(check, cloud, provider):
    """Without the sample API there is the function, its role and its log; an API of one's own names it by its ARN."""
    stack = cloud.deploy("alone", Issuer=provider.issuer, Audience=AUDIENCE, SampleApi="false", SecretParameter="/jwt/secret", ExtensionLayerArn=LAYER)
    check("SampleApi false leaves the API out", stack.api is None, stack.outputs)
    kinds = {r["ResourceType"] for r in cloud.client("cloudformation").describe_stack_resources(StackName="alone")["StackResources"]}
    check("... and all that belongs to it", kinds == {"AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup"}, kinds)
    provider.stored["/jwt/secret"] = "a secret of at least thirty-two bytes"

    def minted(secret):
        return tokens.hs256(secret.encode(), tokens.claims(provider.issuer, AUDIENCE))

    api = cloud.deploy("attached", ROOT / "examples/sam/template.yaml", AuthorizerArn=stack.function)
    response = expect(check, "examples/sam: a token", api.send("GET", "/orders", f"Bearer {minted(provider.stored['/jwt/secret'])}"), 200)
    check("examples/sam: the backend hears who calls", response.body == "ada", response.body)
    expect(check, "examples/sam: another secret", api.send("GET", "/orders", f"Bearer {minted('x' * 40)}"), 403)
    expect(check, "examples/sam: no token", api.send("GET", "/orders"), 401)


def checked_on_aws(check, cloud):
    """The script runs to its end. The local AWS decodes the path, knows no conditions, and has another idea of refusals."""
    template = ROOT / f"target/release-files/template-{ARCHITECTURE}.yaml"
    run = subprocess.run(["cargo", "xtask", "check-on-aws", template], cwd=ROOT, env=cloud.environment, capture_output=True, text=True)
    outcomes = [line.split()[0] for line in run.stdout.splitlines() if line.startswith(("holds", "FAILS"))]
    told = len(outcomes) == 12 + len(SCENES) and set(outcomes) <= {"holds", "FAILS"}
    check("cargo xtask check-on-aws tells of its assumptions and of the sample API", told, ended(run, 8000))
    for what in ("a plain path", "a function's error (error)", "a function's error (unauthorized)", "an answer and its context", *(f"sample API, {scene[0]}" for scene in SCENES)):
        check(f"... {what}: holds here", f"holds  {what}" in run.stdout, ended(run, 8000))


def addresses(check, cloud, provider):
    """Nothing that the test starts can be reached from another machine."""
    check("the provider listens on loopback", provider.server.server_address[0] == "127.0.0.1", provider.server.server_address)
    seen = listening(cloud.process.pid)
    check("the local AWS and its functions listen on loopback, and nowhere else", seen in ({"127.0.0.1"}, {"127.0.0.1", "::1"}), seen)
