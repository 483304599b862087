"""The examples for REQUEST authorizers: a REST, an HTTP and a WebSocket API, each deployed with the authorizer that its configuration makes.

What the local AWS does not play as AWS does is given to it here, or read in the template:
- It knows no `context.*` identity sources of REST APIs. Two headers stand in for them, in which the client repeats the method and the path.
- It does not read the CORS settings of an HTTP API from a template, only from an API call.
- It has no resource for the responses of WebSocket routes and sends them without one. It does not pass the subprotocol on that the integration chose:
  for a browser, which wants one, it is put in.
"""

import json
import socket
import socketserver
import subprocess
import threading
from pathlib import Path

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request, TextMessage

import spa
import tokens
from examples import AUTHORIZER, EXAMPLES, expected, lint, of_type, sam_responses
from stories import AUDIENCE, expect
from template import translated, yaml_parse

KINDS = ("rest", "http", "websocket")
# What an answer is kept for: everything that it depends on.
REST_SOURCES = "method.request.header.Authorization, context.httpMethod, context.path"
HTTP_SOURCES = ["$request.header.Authorization", "$context.httpMethod", "$context.path"]
STAND_IN = "method.request.header.Authorization,method.request.header.X-Method,method.request.header.X-Path"


def deployed(check, cloud, provider, directory):
    key = tokens.RsaKey("requests")
    provider.keys, provider.down = [key], False

    def minted(audience=AUDIENCE, **more):
        return key.token(tokens.claims(provider.issuer, audience, **more))

    for kind in KINDS:
        written(check, kind)
    rest(check, cloud, authorizer(cloud, provider, "rest"), minted)
    http(check, cloud, authorizer(cloud, provider, "http"), minted)
    websocket(check, cloud, authorizer(cloud, provider, "websocket"), minted, Path(directory))


def text(kind):
    return yaml_parse((EXAMPLES / f"requests/{kind}/template.yaml").read_text())


def written(check, kind):
    """What the template says, after SAM has translated it."""
    lint(check, EXAMPLES / f"requests/{kind}/template.yaml")
    template = translated(text(kind), {"AuthorizerArn": AUTHORIZER})
    permitted = [p for p in of_type(template, "AWS::Lambda::Permission") if p["FunctionName"] in (AUTHORIZER, {"Ref": "AuthorizerArn"})]
    check(f"{kind}: API Gateway may invoke the authorizer", len(permitted) == 1, permitted)
    if kind == "rest":
        (api,) = of_type(template, "AWS::ApiGateway::RestApi")
        told = api["Body"]["securityDefinitions"]["Jwt"]["x-amazon-apigateway-authorizer"]
        kept = (told["type"], told["identitySource"], told["authorizerResultTtlInSeconds"])
        check("rest: answers are kept by the token, the method and the path", kept == ("request", REST_SOURCES, 300), told)
        responses = sam_responses(text(kind)["Resources"]["Api"]["Properties"])
        check("rest: the gateway responses are the template's", responses == expected()[2], responses)
        return
    (told,) = of_type(template, "AWS::ApiGatewayV2::Authorizer")
    check(f"{kind}: a REQUEST authorizer", told["AuthorizerType"] == "REQUEST", told)
    if kind == "http":
        kept = (told["IdentitySource"], told["AuthorizerResultTtlInSeconds"])
        check("http: answers are kept by the token, the method and the path", kept == (HTTP_SOURCES, 300), told)
        simple = (told["AuthorizerPayloadFormatVersion"], told["EnableSimpleResponses"])
        check("http: simple answers in payload format 2.0", simple == ("2.0", True), told)
    else:
        check("websocket: nothing is kept, and no place of the token is required", told["IdentitySource"] == [] and "AuthorizerResultTtlInSeconds" not in told, told)
        (answered,) = of_type(template, "AWS::ApiGatewayV2::RouteResponse")
        check("websocket: messages are answered", answered["RouteResponseKey"] == "$default", answered)


def authorizer(cloud, provider, kind):
    """A stack of the authorizer alone with the example's configuration, for an issuer that answers here."""
    document = json.loads((EXAMPLES / f"requests/{kind}/authorizer.json").read_text())
    del document["$schema"]
    document["issuers"][0]["issuer"] = provider.issuer
    return cloud.deploy(f"{kind}-authorizer", Configuration=json.dumps(document), SampleApi="false")


def own_rules(check, what, stack, send, minted):
    """Requests with one token to several routes, in both orders: each is decided by its own rules, also from the cache."""
    reader, refused_first = minted(scope="read:orders"), minted(scope="read:orders")
    writer, stranger = minted(scope="write:orders"), minted("https://other.example.com", scope="read:orders")
    requests = [
        ("allowed, then refused", reader, "GET", "/orders", 200),
        ("allowed, then refused", reader, "POST", "/orders", 403),
        ("another path", reader, "GET", "/orders/7", 200),
        ("refused, then allowed", refused_first, "POST", "/orders", 403),
        ("refused, then allowed", refused_first, "GET", "/orders", 200),
        ("another token, the other way round", writer, "POST", "/orders", 200),
        ("another token, the other way round", writer, "GET", "/orders", 403),
        ("another token, another path", writer, "GET", "/orders/7", 403),
        ("a token for another API", stranger, "GET", "/orders", 403),
    ]
    for why, token, method, path, status in requests:
        expect(check, f"{what}, {why}: {method} {path}", send(method, path, token), status)
    # From here the function cannot answer: what is answered is kept, and what is not kept is asked about.
    right = stack.configuration()
    stack.configure({"issuers": []})
    for why, token, method, path, status in requests:
        expect(check, f"{what}, kept, {why}: {method} {path}", send(method, path, token), status)
    expect(check, f"{what}: a path that was not asked about", send("GET", "/orders/8", reader), 500)
    expect(check, f"{what}: a token that was not asked about", send("GET", "/orders", minted(scope="read:orders")), 500)
    stack.configure(right)


def without_a_token(check, what, send):
    expect(check, f"{what}: no token", send("GET", "/orders"), 401)
    expect(check, f"{what}: the public route, without a token", send("GET", "/health"), 200)


def rest(check, cloud, stack, minted):
    api = cloud.deploy("rest", EXAMPLES / "requests/rest/template.yaml", AuthorizerArn=stack.function)
    gateway = cloud.client("apigateway")
    (made,) = gateway.get_authorizers(restApiId=api.api)["items"]
    kept = (made["type"], made["identitySource"], made["authorizerResultTtlInSeconds"])
    check("rest: the gateway has the identity sources", kept == ("REQUEST", REST_SOURCES, 300), made)

    def changed(**values):
        operations = [{"op": "replace", "path": f"/{name}", "value": str(value)} for name, value in values.items()]
        gateway.update_authorizer(restApiId=api.api, authorizerId=made["id"], patchOperations=operations)

    def send(method, path, token=None):
        return api.send(method, path, token and f"Bearer {token}", {"X-Method": method, "X-Path": path})

    without_a_token(check, "rest", send)
    expect(check, "rest: the preflight, without a token", send("OPTIONS", "/orders"), 200)
    changed(identitySource=STAND_IN)
    own_rules(check, "rest, kept by token, method and path", stack, send, minted)
    heard = send("GET", "/orders", minted(scope="read:orders"))
    check("rest: the backend hears who calls", heard.body == "ada", heard.body)

    # The same answers, kept by the token alone: what is allowed is refused because another request was first.
    changed(identitySource="method.request.header.Authorization")
    token = minted(scope="read:orders write:orders")
    expect(check, "rest, kept by the token alone: the first request", send("GET", "/orders", token), 200)
    expect(check, "rest, kept by the token alone: the next one, which it may as well", send("POST", "/orders", token), 403)
    changed(authorizerResultTtlInSeconds=0)
    expect(check, "rest, not kept: the same request", send("POST", "/orders", token), 200)


def http(check, cloud, stack, minted):
    api = cloud.deploy("http", EXAMPLES / "requests/http/template.yaml", AuthorizerArn=stack.function).outputs["ApiUrl"]
    api = api.split("//")[1].split(".")[0]
    gateway = cloud.client("apigatewayv2")
    (made,) = gateway.get_authorizers(ApiId=api)["Items"]
    check("http: the gateway has the identity sources", made["IdentitySource"] == HTTP_SOURCES, made)

    def send(method, path, token=None, **headers):
        return cloud.request(cloud.host(api), method, path, headers | ({"Authorization": f"Bearer {token}"} if token else {}))

    without_a_token(check, "http", send)
    own_rules(check, "http, kept by token, method and path", stack, send, minted)
    heard = send("GET", "/orders", minted(scope="read:orders"))
    check("http: the backend hears who calls", heard.body == "ada", heard.body)

    cors = text("http")["Resources"]["Api"]["Properties"]["CorsConfiguration"]
    gateway.update_api(ApiId=api, CorsConfiguration=cors)
    origin = {"Origin": "https://app.example.com"}
    preflight = expect(check, "http: the preflight, without a token", send("OPTIONS", "/orders", **origin | {"Access-Control-Request-Method": "POST"}), 204)
    named = (preflight.header("Access-Control-Allow-Headers") or "").split(",")
    check("http: a page may send its token", "Authorization" in named, preflight.headers)
    heard = send("GET", "/orders", minted(scope="read:orders"), **origin)
    check("http: a page may read the answer", heard.header("Access-Control-Allow-Origin") == "*", heard.headers)

    # The same answers, kept by the token alone: what is refused is allowed because another request was first.
    gateway.update_authorizer(ApiId=api, AuthorizerId=made["AuthorizerId"], IdentitySource=HTTP_SOURCES[:1])
    token = minted(scope="read:orders")
    expect(check, "http, kept by the token alone: the first request", send("GET", "/orders", token), 200)
    expect(check, "http, kept by the token alone: the next one, which it may not", send("POST", "/orders", token), 200)
    # Without the token among the identity sources, other callers would get the answer. The authorizer refuses the event.
    gateway.update_authorizer(ApiId=api, AuthorizerId=made["AuthorizerId"], IdentitySource=HTTP_SOURCES[1:])
    expect(check, "http, kept without the token: an error", send("GET", "/orders", token), 500)


def websocket(check, cloud, stack, minted, directory):
    template = text("websocket")
    del template["Resources"]["MessageResponse"]
    file = directory / "websocket.json"
    file.write_text(json.dumps(template))
    api = cloud.deploy("websocket", file, AuthorizerArn=stack.function)

    def connect(subprotocols=(), query=""):
        return Connection(cloud, cloud.host(api.api), f"/{api.stage}{query}", subprotocols)

    may, may_not = minted(scope="chat"), minted(scope="read:orders")
    for what, status, subprotocols, query in [
        ("a token in the subprotocol", 101, ["bearer", may], ""),
        ("a token in the query string", 101, [], f"?token={may}"),
        ("a token beside another subprotocol", 101, ["chat.v1", "bearer", may], ""),
        ("another subprotocol, which counts before the token in the query string", 403, ["chat.v1"], f"?token={may}"),
        ("a token in the subprotocol, without the scope", 403, ["bearer", may_not], ""),
        ("a token in the query string, without the scope", 403, [], f"?token={may_not}"),
        ("both, of which the first may not", 403, ["bearer", may_not], f"?token={may}"),
        ("both, of which the first may", 101, ["bearer", may], f"?token={may_not}"),
        ("a token for another API", 403, ["bearer", minted("https://other.example.com", scope="chat")], ""),
        ("no token", 403, [], ""),
    ]:
        with connect(subprotocols, query) as connection:
            check(f"websocket, {what}: {status}", connection.status == status, connection.status)
            if status == 101:
                heard = connection.status == 101 and connection.ask("hello")
                check(f"websocket, {what}: the backend hears who calls", heard == "ada: hello", heard)

    found = cloud.client("cloudformation").describe_stack_resource(StackName="websocket", LogicalResourceId="ChatFunction")
    event = json.loads((EXAMPLES.parent / "events/websocket/connect-by-protocol.json").read_text())
    answer = cloud.functions.invoke(FunctionName=found["StackResourceDetail"]["PhysicalResourceId"], Payload=json.dumps(event))
    chosen = json.loads(answer["Payload"].read())
    check("websocket: the integration chooses the subprotocol, without the token", chosen == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "bearer"}}, chosen)
    in_a_browser(check, cloud, api, may, may_not)


def in_a_browser(check, cloud, api, may, may_not):
    if not spa.browser(check, spa.BROWSER):
        return
    address = f"ws://{cloud.host(api.api)}:{front(cloud.port)}/{api.stage}"
    command = ["node", str(spa.BROWSER / "websocket.mjs"), address, str(spa.PICTURES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as story:
        try:
            story.stdin.write(json.dumps({"may": may, "mayNot": may_not}) + "\n")
            story.stdin.close()
            spa.taken(check, story, "websocket.mjs")
        finally:
            story.kill()


def front(port):
    """The port of what passes connections on, and puts into the gateway's answer the subprotocol that the integration chose: browsers
    close a connection whose answer names none of those that they offered."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            asked = head(self.rfile)
            with socket.create_connection(("127.0.0.1", port)) as upstream, upstream.makefile("rb") as reader:
                upstream.sendall(asked)
                answer = head(reader)
                if answer.startswith(b"HTTP/1.1 101") and b"\r\nsec-websocket-protocol:" in asked.lower():
                    answer = answer.removesuffix(b"\r\n") + b"Sec-WebSocket-Protocol: bearer\r\n\r\n"
                self.connection.sendall(answer)
                back = threading.Thread(target=passed_on, args=(reader, self.connection), daemon=True)
                back.start()
                passed_on(self.rfile, upstream)
                back.join()

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def head(reader):
    """A head of HTTP, with its last, empty line."""
    lines = [reader.readline()]
    while lines[-1].strip():
        lines.append(reader.readline())
    return b"".join(lines)


def passed_on(reader, connection):
    try:
        while data := reader.read1():
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # The other side is gone.


class Connection:
    """A WebSocket client."""

    def __init__(self, cloud, host, target, subprotocols):
        self.socket = socket.create_connection(("127.0.0.1", cloud.port), timeout=60)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.socket.sendall(self.protocol.send(Request(host=host, target=target, subprotocols=list(subprotocols))))
        answer = self.next(AcceptConnection, RejectConnection)
        self.status = 101 if isinstance(answer, AcceptConnection) else answer.status_code

    def next(self, *kinds):
        while True:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection without an answer")
            self.protocol.receive_data(data)
            for event in self.protocol.events():
                if isinstance(event, kinds):
                    return event

    def ask(self, message):
        self.socket.sendall(self.protocol.send(TextMessage(data=message)))
        return self.next(TextMessage).data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
