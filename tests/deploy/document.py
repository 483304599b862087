"""From an API's own document to a protected API: imported, checked, deployed with the printed parameters, and asked with real tokens."""

import json
import re
import subprocess
import time

import yaml

import tokens
from artefact import AUTHZ, with_authz
from cloud import REGION, ROOT
from samcli.cli.types import CfnParameterOverridesType
from samcli.commands.deploy.guided_config import GuidedConfig
from shell import ended, short

API = ROOT / "tests/authz/apis/petstore.yaml"
AUDIENCE = "https://pets.example.com"
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
# Of each method of the document: what it is with these scopes, in this order.
SCOPES = ["", "read:pets", "write:pets", "read:pets write:pets", "write:users"]
ASKED = {
    ("POST", "/pet"): [403, 403, 403, 200, 403],
    ("PUT", "/pet"): [403, 403, 403, 200, 403],
    ("GET", "/pet/findByStatus"): [403, 200, 200, 200, 403],
    ("GET", "/pet/17"): [403, 403, 403, 200, 403],
    ("DELETE", "/pet/17"): [403, 403, 200, 200, 403],
    ("GET", "/store/order/3"): [200, 200, 200, 200, 200],
    ("PUT", "/user/ada"): [403, 403, 403, 403, 200],
}
PUBLIC = [("POST", "/store/order"), ("POST", "/user"), ("GET", "/user/ada")]


def authz(*arguments):
    print(f"     $ authz {' '.join(short(str(word)) for word in arguments)}", flush=True)
    return subprocess.run([AUTHZ, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)


def is_protected(document, operation):
    """Whether a method of the document needs a token: one of its requirements names a scheme that takes one, and none is empty."""
    schemes = document.get("components", {}).get("securitySchemes", {}) | document.get("securityDefinitions", {})

    def takes_tokens(scheme):
        kind, name = scheme.get("type"), scheme.get("scheme", "").lower()
        header = kind == "apiKey" and scheme.get("in") == "header" and scheme.get("name", "").lower() == "authorization"
        return kind in ("oauth2", "openIdConnect") or (kind == "http" and name == "bearer") or header

    requirements = operation.get("security", document.get("security")) or []
    by_token = [any(takes_tokens(schemes.get(name, {})) for name in requirement) for requirement in requirements]
    return any(by_token) and {} not in requirements


def resource(path):
    """A path as a resource of API Gateway has it."""
    return re.sub(r"\{[^}]*\}", lambda name: re.sub(r"[^A-Za-z0-9._:,{}+-]", "_", name[0]), path).rstrip("/") or "/"


def body(document, authorizer):
    """The document as API Gateway imports it: the authorizer for each method that needs a token, and a mock behind all of them."""
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{authorizer}/invocations"
    integration = {
        "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'}, "responses": {"default": {"statusCode": "200"}},
    }
    paths = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = {"responses": {"200": {"description": "OK"}}, "x-amazon-apigateway-integration": integration}
                if is_protected(document, methods[method]):
                    operation["security"] = [{"jwt": []}]
                paths.setdefault(resource(path), {})[method] = operation
    scheme = {
        "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": uri, "authorizerResultTtlInSeconds": 300},
    }
    title = {"title": "imported", "version": "1"}
    return {"openapi": "3.0.1", "info": title, "paths": paths, "components": {"securitySchemes": {"jwt": scheme}}}


class Api:
    """An API of one's own behind the authorizer, in a stack of its own."""

    def __init__(self, cloud, stack, document, authorizer):
        self.cloud = cloud
        resources = {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": stack, "Body": body(document, authorizer)}},
            "Permission": {"Type": "AWS::Lambda::Permission", "Properties": {
                "Action": "lambda:InvokeFunction", "FunctionName": authorizer, "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/authorizers/*"}}},
            "Deployment": {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}},
            "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {
                "RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"}},
        }
        cloudformation = cloud.client("cloudformation")
        template = {"Resources": resources, "Outputs": {"Api": {"Value": {"Ref": "Api"}}}}
        cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        self.id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"][0]["OutputValue"]

    def send(self, method, path, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.cloud.request(self.cloud.host(self.id), method, f"/live{path}", headers).status


def deployed(check, cloud, provider):
    home = cloud.directory / "document"
    home.mkdir()
    configuration, parameters = home / "authorizer.json", home / "parameters.yaml"
    with_authz(check)
    started = time.monotonic()

    run = authz("init", "--issuer", provider.issuer, "--audience", AUDIENCE, "--api", API)
    configuration.write_text(run.stdout)
    check("authz init: a configuration", run.returncode == 0, ended(run))
    run = authz("check", configuration, "--api", API)
    check("authz check --api: its routes are the API's", run.returncode == 0, ended(run))
    run = authz("deploy-parameters", configuration, "--output", parameters)
    check("authz deploy-parameters: the parameters", run.returncode == 0, ended(run))
    survives(check, parameters, json.loads(configuration.read_text()))
    stack = cloud.deploy("document", file=parameters)
    check("sam deploy: no sample API", stack.api is None, stack.outputs)
    document = yaml.safe_load(API.read_text())
    api = Api(cloud, "pets", document, stack.function)
    print(f"     from the document to the protected API: {time.monotonic() - started:.0f} s", flush=True)

    key = tokens.RsaKey("pets")
    provider.keys = [key]

    def minted(scopes):
        return key.token(tokens.claims(provider.issuer, AUDIENCE, scope=scopes))

    for scopes, statuses in zip(SCOPES, zip(*ASKED.values())):
        token = minted(scopes)
        for (method, path), status in zip(ASKED, statuses):
            seen = api.send(method, path, token)
            check(f"{method} {path} with {scopes or 'no scopes'}: {status}", seen == status, seen)
    for method, path in PUBLIC:
        seen = api.send(method, path)
        check(f"{method} {path} without a token: 200", seen == 200, seen)
    for method, path in ASKED:
        seen = api.send(method, path)
        check(f"{method} {path} without a token: 401", seen == 401, seen)
    simulated(check, configuration)
    drifted(check, cloud, home, stack, document, minted("read:pets write:pets"))
    mistaken(check, cloud, stack, configuration, parameters)


def survives(check, parameters, document):
    """SAM's own parser gives the document back, also from the file that `--guided` saves."""
    del document["$schema"]
    parser = CfnParameterOverridesType()
    read = parser.convert((f"file://{parameters}",), None, None)
    check("SAM reads the document from the file", json.loads(read["Configuration"]) == document, read)
    saved = " ".join(f"{name}={GuidedConfig.quote_parameter_values(value)}" for name, value in read.items())
    check("... and from what --guided saves", parser.convert(saved, None, None) == read, saved)


def simulated(check, configuration):
    """What `authz simulate` says is what the API answers."""
    run = authz("simulate", configuration, "--format", "json", *(word for scopes in SCOPES for word in ("--scopes", scopes)))
    seen = {}
    for bearer in json.loads(run.stdout or "[]"):
        for route in bearer["routes"]:
            if route["path"]:
                seen.setdefault(f"{route['method']} {route['path']}", []).append(200 if route["allowed"] else 403)
    real = {f"{method} {template(path)}": statuses for (method, path), statuses in ASKED.items()}
    check("authz simulate says what the API answers", run.returncode == 0 and seen == real, ended(run))


def template(path):
    return {"/pet/17": "/pet/{petId}", "/store/order/3": "/store/order/{order_id}", "/user/ada": "/user/{username}"}.get(path, path)


def drifted(check, cloud, home, stack, document, token):
    """A method that is added later is found by `authz check --api`, and by the log of the first request."""
    document["paths"]["/pet/{petId}"]["patch"] = {"responses": {}, "security": [{"shop": ["write:pets"]}]}
    newer = home / "newer.yaml"
    newer.write_text(yaml.safe_dump(document))
    run = authz("check", home / "authorizer.json", "--api", newer)
    found = run.returncode == 2 and "PATCH /pet/{petId} is in the API, and no entry matches it" in run.stderr
    check("a method that is added: authz check --api finds it", found, ended(run))
    Api(cloud, "newer-pets", document, stack.function).send("PATCH", "/pet/17", token)
    check("... and so does the log", logged(cloud, "document-authorizer", "undeclared_method_exists"), "no such line")


def logged(cloud, function, text):
    logs = cloud.client("logs")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        if any(text in event["message"] for event in events):
            return True
        time.sleep(1)
    return False


def mistaken(check, cloud, stack, configuration, parameters):
    """A document with a mistake reaches nothing: there are no parameters, and SAM says so."""
    before = stack.configuration()
    configuration.write_text('{"issuers": []}')
    run = authz("deploy-parameters", configuration, "--output", parameters)
    check("a mistake: no parameters", (run.returncode, run.stdout, parameters.exists()) == (2, "", False), ended(run))
    refused(check, cloud, "... and sam deploy fails", "was not found", "document", file=parameters)
    for what, told, more in [
        ("a Configuration that is no JSON object", "Configuration", {"Configuration": "{"}),
        ("Configuration and a layer", "exclude each other", {"ConfigurationFile": "true"}),
        ("neither an issuer nor a document", "Issuer is missing", {"Configuration": ""}),
        ("an issuer without an audience", "Audience is missing", {"Configuration": "", "Issuer": "https://tenant.example.com/"}),
    ]:
        refused(check, cloud, f"{what} is refused", told, "document", **more)
    check("... and the function is what it was", stack.configuration() == before, stack.configuration())


def refused(check, cloud, what, told, stack, **parameters):
    try:
        cloud.deploy(stack, **parameters)
        check(what, False, "it was deployed")
    except SystemExit as error:
        check(what, told in str(error), error)
