"""What the project assumes of API Gateway and could not be looked up, and the sample API on a real one.

A probe authorizer answers as the token says, and a backend answers with the ARN that the authorizer saw. Then the sample API is
deployed, of the template that is named or of what `sam build` makes, for a key made here, and its stories are told.

Prints one line for each assumption and story, `holds` or `FAILS`, and deletes its stacks.
"""

import json
import os
import sys
import time

import boto3

import tokens
from cloud import Account
from stories import AUDIENCE, SCENES
from template import source

STACK = f"authorizer-probes-{int(time.time())}"
SAMPLE = f"authorizer-sample-{int(time.time())}"
# A token is `<mode>.<number>.x`; the number makes it another entry in the gateway's cache, and is when an error heals.
AUTHORIZER = """
import time
def handler(event, _):
    arn = event["methodArn"]
    mode, number, _ = event["authorizationToken"].split(" ", 1)[1].split(".")
    if mode in ("error", "unauthorized") and time.time() < int(number):
        raise Exception("Unauthorized" if mode == "unauthorized" else "a probe")
    stage = "/".join(arn.split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": "Deny" if mode == "deny" else "Allow", "Resource": stage + "/*"}
    if mode in ("past", "future"):
        limit = "2001-01-01T00:00:00Z" if mode == "past" else "2099-01-01T00:00:00Z"
        statement["Condition"] = {"DateLessThan": {"aws:CurrentTime": limit}}
    context = {"arn": arn, "error": "probe_error", "reason": "probe_reason"}
    return {"principalId": "probe", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": context}
"""
BACKEND = """
def handler(event, _):
    return {"statusCode": 200, "body": event["requestContext"]["authorizer"]["arn"]}
"""


def template():
    def function(code):
        properties = {"Runtime": "python3.13", "Handler": "index.handler", "Code": {"ZipFile": code}, "Role": {"Fn::GetAtt": ["Role", "Arn"]}}
        return {"Type": "AWS::Lambda::Function", "Properties": properties}

    def permission(name):
        return {
            "Type": "AWS::Lambda::Permission",
            "Properties": {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": name}, "Principal": "apigateway.amazonaws.com",
                           "SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"}},
        }

    def uri(name):
        return {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s.Arn}/invocations" % name}

    api = {"RestApiId": {"Ref": "Api"}}
    proxy = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri("Backend")}
    lambda_may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    body = '{"error":"$context.authorizer.error","reason":"$context.authorizer.reason"}'
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": lambda_may}},
        "Authorizer": function(AUTHORIZER),
        "Backend": function(BACKEND),
        "AuthorizerPermission": permission("Authorizer"),
        "BackendPermission": permission("Backend"),
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": STACK, "EndpointConfiguration": {"Types": ["REGIONAL"]}}},
        "Jwt": {"Type": "AWS::ApiGateway::Authorizer", "Properties": api | {
            "Name": "probe", "Type": "TOKEN", "AuthorizerUri": uri("Authorizer"), "IdentitySource": "method.request.header.Authorization",
            "AuthorizerResultTtlInSeconds": 300, "IdentityValidationExpression": r"Bearer [a-z]+\.[0-9]+\.x"}},
        "Refused": {"Type": "AWS::ApiGateway::GatewayResponse", "Properties": api | {
            "ResponseType": "ACCESS_DENIED", "ResponseTemplates": {"application/json": body}}},
        "Proxy": {"Type": "AWS::ApiGateway::Resource", "Properties": api | {"ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "PathPart": "{path+}"}},
        "Get": {"Type": "AWS::ApiGateway::Method", "Properties": api | {
            "ResourceId": {"Ref": "Proxy"}, "HttpMethod": "GET", "AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "Jwt"}, "Integration": proxy}},
        "Deployment": {"Type": "AWS::ApiGateway::Deployment", "DependsOn": ["Get", "Refused"], "Properties": api},
        "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": api | {"DeploymentId": {"Ref": "Deployment"}, "StageName": "probe"}},
    }
    return {"Resources": resources, "Outputs": {"Api": {"Value": {"Ref": "Api"}}}}


class Probe:
    def __init__(self, account, api):
        self.account, self.host = account, account.host(api)
        self.count = 0

    def authorization(self, mode, number=None):
        self.count += 1
        return f"Bearer {mode}.{number or self.count}.x"

    def get(self, path, authorization):
        response = self.account.request(self.host, "GET", f"/probe{path}", {"Authorization": authorization})
        return response.status, response.body

    def path_seen(self, path):
        """The path in the ARN that the authorizer sees."""
        status, text = self.get(path, self.authorization("allow"))
        return "/" + text.split("/", 3)[3] if status == 200 else f"status {status}"


def assumptions(probe):
    def same(path):
        seen = probe.path_seen(path)
        return seen == path, f"{path} is {seen} in methodArn"

    yield "a plain path stands in methodArn as it was sent", *same("/pets/17")
    yield "a percent-encoded path stands there encoded", *same("/pets/a%20b%2Fc")
    yield "an empty segment stands there", *same("/pets//17")
    yield "a slash at the end stands there", *same("/pets/17/")

    past, future = (probe.get("/a", probe.authorization(mode))[0] for mode in ("past", "future"))
    yield "a condition on aws:CurrentTime ends an Allow", past == 403 and future == 200, f"in the past {past}, in the future {future}"

    for mode, first_status in (("error", 500), ("unauthorized", 401)):
        token = probe.authorization(mode, int(time.time()) + 10)
        first = probe.get("/a", token)[0]
        time.sleep(12)
        second = probe.get("/a", token)[0]
        yield f"a function's error ({mode}) is not cached", (first, second) == (first_status, 200), f"{first}, then {second}"

    token = probe.authorization("allow")
    first, second = probe.get("/a", token)[1], probe.get("/b", token)[1]
    yield "an answer and its context are cached for all paths", first == second != "", f"{first}, then {second}"

    status, text = probe.get("/a", probe.authorization("deny"))
    yield "a refusal's context reaches the gateway response", (status, text) == (403, '{"error":"probe_error","reason":"probe_reason"}'), text

    behind, before = (probe.get("/a", text)[0] for text in (probe.authorization("allow") + " y", "y " + probe.authorization("allow")))
    # The expression of the probe is not anchored; ours is, so this only says what would happen without.
    yield "an expression that is not anchored matches as a whole", (behind, before) == (401, 401), f"with text behind {behind}, before {before}"


def probed(account):
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template()), Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 3, "MaxAttempts": 100})
    outputs = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    probe = Probe(account, outputs[0]["OutputValue"])
    answering(lambda: probe.get("/a", probe.authorization("allow"))[0] == 200)
    yield from assumptions(probe)


def told(account, named):
    """The sample API's stories, its challenges and its bodies."""
    if not named:
        account.sam("build")
    key, issuer = tokens.RsaKey("check"), "https://issuer.example.com/"
    defaults = {name: parameter.get("Default") for name, parameter in source()["Parameters"].items()}
    document = {
        "issuers": [{"issuer": issuer, "audience": AUDIENCE, "jwks": {"keys": [key.jwk()]}}],
        "routes": json.loads(defaults["Routes"]),
        "context": json.loads(defaults["Context"]),
    }
    api = account.deploy(SAMPLE, named, Issuer=issuer, Audience=AUDIENCE, Configuration=json.dumps(document), Runtime="provided.al2023")

    def bearer(**more):
        return f"Bearer {key.token(tokens.claims(issuer, AUDIENCE, **more))}"

    answering(lambda: api.send("GET", "/orders", bearer()).status == 200)
    for what, more, method, path, status in SCENES:
        response = api.send(method, path, bearer(**more))
        yield f"sample API, {what}: {status}", response.status == status, f"{response.status} {response.body[:200]}"
    response = api.send("GET", "/orders")
    seen = (response.status, response.header("WWW-Authenticate"), response.header("Access-Control-Allow-Origin"), response.body)
    expected = (401, 'Bearer error="invalid_token"', "*", '{"message":"Unauthorized","error":"invalid_token"}')
    yield "sample API, no token: the gateway response", seen == expected, seen
    response = api.send("GET", "/orders", bearer(exp=int(time.time()) - 3600))
    expected = (403, "Bearer", "*", '{"message":"Forbidden","error":"invalid_token","reason":"expired"}')
    seen = (response.status, response.header("WWW-Authenticate"), response.header("Access-Control-Allow-Origin"), response.body)
    yield "sample API, an expired token: the gateway response", seen == expected, seen


def answering(ready):
    """A new stage takes a while to answer."""
    for _ in range(20):
        try:
            if ready():
                return
        except OSError:  # nor is its name known at once
            pass
        time.sleep(3)


def main():
    region = boto3.session.Session().region_name or sys.exit("set AWS_REGION")
    account = Account(dict(os.environ), region)
    failed = 0
    try:
        for outcomes in (probed(account), told(account, os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None)):
            for what, holds, seen in outcomes:
                failed += not holds
                print(f"{'holds' if holds else 'FAILS'}  {what}: {seen}", flush=True)
    finally:
        for stack in (STACK, SAMPLE):
            account.client("cloudformation").delete_stack(StackName=stack)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
