"""The examples, each by a tool of its own kind, and those that the local AWS can hold deployed to it. The one for SAM also in stories.py."""

import copy
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import hcl2
from mcp.client.auth import utils as mcp_client
from mcp.shared.auth import ProtectedResourceMetadata
from openapi_spec_validator import validate

import tokens
from cloud import REGION, ROOT
from shell import ended
from stories import AUDIENCE, expect
from template import Resolver, source, yaml_parse

EXAMPLES = ROOT / "examples"
AUTHORIZER = f"arn:aws:lambda:{REGION}:123456789012:function:jwt-authorizer"
CERTIFICATE = f"arn:aws:acm:{REGION}:123456789012:certificate/00000000-0000-0000-0000-000000000000"
# What an MCP client is told to connect to.
MCP_HOST = "mcp.example.com"
MCP_RESOURCE = f"https://{MCP_HOST}/mcp"
ISSUER = "https://tenant.example.com/"


def checked(check, directory):
    """What needs no AWS."""
    directory = Path(directory)
    sam(check, "sam")
    sam(check, "pets")
    openapi(check)
    terraform(check)
    cloud_development_kit(check, directory / "cdk")
    mcp(check)


def attached(check, cloud, provider, directory):
    """Each asks the same function, which has one set of rules for them all; on AWS, and with rules that differ, one for each API."""
    directory = Path(directory)
    key = tokens.RsaKey("examples")
    provider.keys, provider.down = [key], False
    routes = [{"method": "GET", "path": "/orders"}, {"path": "/mcp", "scopes": "mcp:tools"}]
    authorizer = cloud.deploy(
        "examples", Issuer=provider.issuer, Audience=f"{AUDIENCE},{MCP_RESOURCE}", SampleApi="false",
        InvalidToken="unauthorized", Routes=json.dumps(routes),
    ).function

    def minted(audience=AUDIENCE, **more):
        return key.token(tokens.claims(provider.issuer, audience, **more))

    command_line(check, cloud, authorizer, minted)
    openapi_deployed(check, cloud, directory, authorizer, minted)
    serverless(check, cloud, directory / "serverless", authorizer, minted)
    sam_deployed(check, cloud, authorizer, minted)
    mcp_deployed(check, cloud, authorizer, minted)


# What the examples have in common with the template.


def expected():
    """The validation expression, the cache time and the gateway responses of the template, with its defaults."""
    text = source()
    for parameter in text["Parameters"].values():
        parameter.setdefault("Default", "")
    api = Resolver(text).resolve(text["Resources"]["Api"]["Properties"])
    jwt = api["Auth"]["Authorizers"]["Jwt"]["Identity"]
    return jwt["ValidationExpression"], int(jwt["ReauthorizeEvery"]), sam_responses(api)


def response(status, parameters, templates):
    headers = {name.removeprefix("gatewayresponse.header."): value for name, value in parameters.items()}
    return {"status": str(status) if status else None, "headers": headers, "body": templates["application/json"]}


def sam_responses(api):
    return {
        kind: response(found.get("StatusCode"), found["ResponseParameters"]["Headers"], found["ResponseTemplates"])
        for kind, found in api["GatewayResponses"].items()
    }


def of_type(template, kind):
    return [resource["Properties"] for resource in template["Resources"].values() if resource["Type"] == kind]


def cloudformation_responses(template):
    return {
        found["ResponseType"]: response(found.get("StatusCode"), found["ResponseParameters"], found["ResponseTemplates"])
        for found in of_type(template, "AWS::ApiGateway::GatewayResponse")
    }


def agrees(check, example, expression, seconds, responses):
    wanted = expected()
    check(f"{example}: the validation expression is the template's", expression == wanted[0], expression)
    check(f"{example}: the cache time is the template's", int(seconds) == wanted[1], seconds)
    check(f"{example}: the gateway responses are the template's", responses == wanted[2], responses)


def cloudformation_agrees(check, example, template):
    (authorizer,) = of_type(template, "AWS::ApiGateway::Authorizer")
    check(f"{example}: the authorizer is one of tokens", authorizer["Type"] == "TOKEN", authorizer)
    responses = cloudformation_responses(template)
    agrees(check, example, authorizer["IdentityValidationExpression"], authorizer["AuthorizerResultTtlInSeconds"], responses)


def lint(check, template, *ignored):
    command = ["cfn-lint", "--regions", REGION, *(["--ignore-checks", *ignored] if ignored else []), "--template", str(template)]
    run = subprocess.run(command, capture_output=True, text=True)
    check(f"cfn-lint has nothing to say of {template.parent.name}/{template.name}", run.returncode == 0, ended(run))


def ran(check, what, command, **options):
    run = subprocess.run(command, capture_output=True, text=True, **options)
    check(what, run.returncode == 0, (run.stdout + run.stderr)[-2000:])
    return run


def npm(check, example, directory):
    """A copy of the example with its packages."""
    if not shutil.which("npm"):
        print(f"     examples/{example} is not checked: there is no npm")
        return False
    shutil.copytree(EXAMPLES / example, directory, ignore=shutil.ignore_patterns("node_modules", "cdk.out", ".serverless"))
    return ran(check, f"examples/{example}: npm install", ["npm", "install", "--no-audit", "--no-fund"], cwd=directory).returncode == 0


def protects(check, example, send, minted):
    """A protected route, its preflight and a public one. `send` takes a method, a path and the value of the header, if any."""
    good, other = f"Bearer {minted()}", f"Bearer {minted('https://other.example.com')}"
    expect(check, f"{example}: a token", send("GET", "/orders", good), 200)
    refused = expect(check, f"{example}: no token", send("GET", "/orders"), 401)
    expect(check, f"{example}: a token for another API", send("GET", "/orders", other), 401)
    expect(check, f"{example}: the preflight, without a token", send("OPTIONS", "/orders"), 200)
    expect(check, f"{example}: the public route, without a token", send("GET", "/health"), 200)
    return refused


def challenged(check, example, refused):
    """The local AWS has the gateway responses of its own resources, and not those of an OpenAPI body."""
    check(f"{example}: the 401 says why", refused.header("WWW-Authenticate") == 'Bearer error="invalid_token"', refused.headers)
    check(f"{example}: a page may read the 401", refused.header("Access-Control-Allow-Origin") == "*", refused.headers)


# AWS CLI


def command_line(check, cloud, authorizer, minted):
    """An API made by hand, which the script protects. Its second run changes what is public."""
    gateway = cloud.client("apigateway")
    api = gateway.create_rest_api(name="by-hand")["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]

    def method(resource, verb, kind="NONE"):
        gateway.put_method(restApiId=api, resourceId=resource, httpMethod=verb, authorizationType=kind)
        gateway.put_integration(
            restApiId=api, resourceId=resource, httpMethod=verb, type="MOCK", requestTemplates={"application/json": '{"statusCode":200}'}
        )
        gateway.put_method_response(restApiId=api, resourceId=resource, httpMethod=verb, statusCode="200")
        gateway.put_integration_response(restApiId=api, resourceId=resource, httpMethod=verb, statusCode="200")

    def resource(name):
        return gateway.create_resource(restApiId=api, parentId=root["id"], pathPart=name)["id"]

    orders, health, internal = map(resource, ("orders", "health", "internal"))
    method(orders, "GET")
    method(orders, "OPTIONS")
    method(health, "GET")
    method(internal, "GET", "AWS_IAM")
    gateway.create_deployment(restApiId=api, stageName="prod")

    def send(verb, path, authorization=None):
        sent = {} if authorization is None else {"Authorization": authorization}
        return cloud.request(cloud.host(api), verb, f"/prod{path}", sent)

    def attach(*public):
        return ran(
            check, "examples/aws-cli: the script", [str(EXAMPLES / "aws-cli/attach.sh"), api, "prod", authorizer, *public], env=cloud.environment
        ).stdout

    for what, arguments in (("without arguments", []), ("with a name in the place of the ARN", [api, "prod", "jwt-authorizer"])):
        usage = subprocess.run([str(EXAMPLES / "aws-cli/attach.sh"), *arguments], env=cloud.environment, capture_output=True, text=True)
        told = usage.returncode == 2 and usage.stderr.startswith("Attaches a deployed authorizer") and usage.stdout == ""
        check(f"examples/aws-cli: {what} it says how it is called", told, usage)
    expect(check, "examples/aws-cli: before, everyone may", send("GET", "/orders"), 200)
    attach()
    expect(check, "examples/aws-cli: what is not named is not public", send("GET", "/health"), 401)
    said = attach("GET /health")
    lines = {"protected: GET /orders", "public: OPTIONS /orders", "public: GET /health", "left as it is (AWS_IAM): GET /internal"}
    check("examples/aws-cli: it says what it did", lines <= set(said.splitlines()), said)
    refused = protects(check, "examples/aws-cli", send, minted)
    challenged(check, "examples/aws-cli", refused)

    (made,) = gateway.get_authorizers(restApiId=api)["items"]
    responses = {
        kind["responseType"]: response(kind.get("statusCode"), kind["responseParameters"], kind["responseTemplates"])
        for kind in gateway.get_gateway_responses(restApiId=api)["items"]
        if not kind["defaultResponse"]
    }
    responses["DEFAULT_5XX"]["status"] = None
    agrees(check, "examples/aws-cli", made["identityValidationExpression"], made["authorizerResultTtlInSeconds"], responses)
    check("examples/aws-cli: an authorizer of tokens", (made["type"], made["name"]) == ("TOKEN", "jwt"), made)
    policy = json.loads(cloud.functions.get_policy(FunctionName=authorizer)["Policy"])
    sources = [statement["Condition"]["ArnLike"]["AWS:SourceArn"] for statement in policy["Statement"]]
    account = authorizer.split(":")[4]
    wanted = f"arn:aws:execute-api:{REGION}:{account}:{api}/authorizers/{made['id']}"
    check("examples/aws-cli: API Gateway may invoke it for this authorizer, and no other", sources == [wanted], sources)


# OpenAPI


def openapi_document():
    return yaml_parse((EXAMPLES / "openapi/openapi.yaml").read_text())


def openapi(check):
    document = openapi_document()
    try:
        validate(document)
        check("examples/openapi: is OpenAPI", True)
    except Exception as error:
        check("examples/openapi: is OpenAPI", False, error)
    jwt = document["components"]["securitySchemes"]["jwt"]["x-amazon-apigateway-authorizer"]
    responses = {
        kind: response(found.get("statusCode"), found["responseParameters"], found["responseTemplates"])
        for kind, found in document["x-amazon-apigateway-gateway-responses"].items()
    }
    agrees(check, "examples/openapi", jwt["identityValidationExpression"], jwt["authorizerResultTtlInSeconds"], responses)
    operations = {
        f"{verb} {path}": operation.get("security") for path, item in document["paths"].items() for verb, operation in item.items()
    }
    wanted = {"get /orders": [{"jwt": []}], "options /orders": [], "get /health": []}
    check("examples/openapi: each operation says whether it is public", operations == wanted, operations)


def openapi_deployed(check, cloud, directory, authorizer, minted):
    """As the body of a template, because the local AWS does not import. Functions are named as the document says it."""
    text = (EXAMPLES / "openapi/openapi.yaml").read_text()
    for variable in ("AWS::Partition", "AWS::Region", "AWS::AccountId"):
        text = text.replace(f"${{{variable}}}", Resolver.PSEUDO[variable] if variable != "AWS::AccountId" else authorizer.split(":")[4])
    text = text.replace("function:jwt-authorizer/", f"function:{authorizer.split(':')[-1]}/")
    function = yaml_parse((EXAMPLES / "sam/template.yaml").read_text())["Resources"]["OrdersFunction"]
    del function["Properties"]["Events"]
    function["Properties"]["FunctionName"] = "orders"
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "OrdersFunction": function,
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": yaml_parse(text)}},
            "Deployment": {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "prod"}},
        },
        "Outputs": {"ApiUrl": {"Value": {"Fn::Sub": "https://${Api}.execute-api.localhost/prod"}}},
    }
    file = directory / "openapi.json"
    file.write_text(json.dumps(template))
    api = cloud.deploy("openapi", file)
    protects(check, "examples/openapi", api.send, minted)


# Serverless


def serverless(check, cloud, directory, authorizer, minted):
    if not npm(check, "serverless", directory):
        return
    environment = cloud.environment | {"AUTHORIZER_ARN": authorizer}
    osls = ["npx", "osls"]
    ran(check, "examples/serverless: packages", [*osls, "package"], cwd=directory, env=environment)
    file = directory / ".serverless/cloudformation-template-update-stack.json"
    # W3005: dependencies that osls writes out and CloudFormation knows anyway.
    lint(check, file, "W3005")
    template = json.loads(file.read_text())
    cloudformation_agrees(check, "examples/serverless", template)
    permitted = [p for p in of_type(template, "AWS::Lambda::Permission") if p["FunctionName"] == authorizer]
    check("examples/serverless: API Gateway may invoke the authorizer", len(permitted) == 1, permitted)
    deployment = next(name for name in template["Resources"] if name.startswith("ApiGatewayDeployment"))
    before = reached(template, deployment)
    kinds = {name for name, found in template["Resources"].items() if found["Type"] == "AWS::ApiGateway::GatewayResponse"}
    check("examples/serverless: the deployment waits for the gateway responses", kinds <= before and len(kinds) == 3, before)

    ran(check, "examples/serverless: deploys", [*osls, "deploy"], cwd=directory, env=environment)
    outputs = cloud.client("cloudformation").describe_stacks(StackName="protected-prod")["Stacks"][0]["Outputs"]
    (url,) = (output["OutputValue"] for output in outputs if output["OutputKey"] == "ServiceEndpoint")
    host = cloud.host(urlsplit(url).hostname.split(".")[0])

    def send(verb, path, authorization=None):
        return cloud.request(host, verb, f"/prod{path}", {} if authorization is None else {"Authorization": authorization})

    refused = protects(check, "examples/serverless", send, minted)
    challenged(check, "examples/serverless", refused)


def reached(template, name):
    """What a resource waits for by `DependsOn`."""
    found, open_ = set(), [name]
    while open_:
        depends = template["Resources"][open_.pop()].get("DependsOn", [])
        for other in [depends] if isinstance(depends, str) else depends:
            if other not in found:
                found.add(other)
                open_.append(other)
    return found


# SAM


def sam(check, example):
    file = EXAMPLES / example / "template.yaml"
    lint(check, file)
    api = yaml_parse(file.read_text())["Resources"]["Api"]["Properties"]
    jwt = api["Auth"]["Authorizers"]["Jwt"]["Identity"]
    agrees(check, f"examples/{example}", jwt["ValidationExpression"], jwt["ReauthorizeEvery"], sam_responses(api))


def sam_deployed(check, cloud, authorizer, minted):
    api = cloud.deploy("sam-example", EXAMPLES / "sam/template.yaml", AuthorizerArn=authorizer)
    protects(check, "examples/sam", api.send, minted)
    heard = api.send("GET", "/orders", f"Bearer {minted()}")
    check("examples/sam: the backend hears who calls", heard.body == "ada", heard.body)


# Terraform


def terraform(check):
    """Its syntax, that each name in it is declared, and what it says. The provider's schema is not at hand."""
    file = EXAMPLES / "terraform/main.tf"
    with file.open() as opened:
        document = unquoted(hcl2.load(opened))
    resources = {(kind, name): body for block in document["resource"] for kind, named in block.items() for name, body in named.items()}
    data = {(kind, name) for block in document["data"] for kind, named in block.items() for name in named}
    variables = {name for block in document["variable"] for name in block}
    text = re.sub(r"#.*", "", file.read_text())
    unknown = [
        *({f"var.{name}" for name in re.findall(r"\bvar\.(\w+)", text) if name not in variables}),
        *({f"data.{kind}.{name}" for kind, name in re.findall(r"\bdata\.(\w+)\.(\w+)", text) if (kind, name) not in data}),
        *({f"{kind}.{name}" for kind, name in re.findall(r"(?<![\w.\"])(aws_\w+)\.(\w+)", text) if (kind, name) not in resources}),
    ]
    check("examples/terraform: every name is declared", resources and data and variables and not unknown, unknown)
    jwt = resources["aws_api_gateway_authorizer", "jwt"]
    check("examples/terraform: the authorizer is one of tokens", jwt["type"] == "TOKEN", jwt)
    responses = {
        body["response_type"]: response(body.get("status_code"), body["response_parameters"], body["response_templates"])
        for (kind, _), body in resources.items()
        if kind == "aws_api_gateway_gateway_response"
    }
    agrees(check, "examples/terraform", jwt["identity_validation_expression"], jwt["authorizer_result_ttl_in_seconds"], responses)
    methods = {name: body["authorization"] for (kind, name), body in resources.items() if kind == "aws_api_gateway_method"}
    wanted = {"orders": "CUSTOM", "preflight": "NONE", "health": "NONE"}
    check("examples/terraform: a protected method, its preflight and a public one", methods == wanted, methods)
    waits = resources["aws_api_gateway_deployment", "protected"]["depends_on"]
    needed = {f"${{{kind}.{name}}}" for kind, name in resources if kind in ("aws_api_gateway_gateway_response", "aws_api_gateway_integration_response")}
    needed |= {"${aws_api_gateway_integration.orders}", "${aws_api_gateway_integration.health}"}
    check("examples/terraform: the deployment waits for all of it", set(waits) == needed, waits)
    permission = resources["aws_lambda_permission", "gateway"]["source_arn"]
    check("examples/terraform: API Gateway may invoke the authorizer", permission.endswith("/authorizers/${aws_api_gateway_authorizer.jwt.id}"), permission)


def unquoted(node):
    """The parser leaves the quotes of names and texts where they are."""
    if isinstance(node, dict):
        return {unquoted(name): unquoted(value) for name, value in node.items() if name != "__is_block__"}
    if isinstance(node, list):
        return [unquoted(item) for item in node]
    if isinstance(node, str) and node.startswith('"'):
        return json.loads(node)
    return node


# CDK


def cloud_development_kit(check, directory):
    if not npm(check, "cdk", directory):
        return
    shutil.copy(ROOT / "events/config/authorizer.json", directory)
    with zipfile.ZipFile(directory / "apigw-jwt-authorizer-arm64.zip", "w") as archive:
        archive.writestr("bootstrap", "")
    context = ["restApiId=a1b2c3d4e5", "rootResourceId=f6g7h8i9j0", "stage=prod"]
    command = ["npx", "cdk", "synth", "--quiet", *(word for pair in context for word in ("--context", pair))]
    # Neither reports to AWS nor asks for notices.
    environment = os.environ | {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_NOTICES": "false"}
    ran(check, "examples/cdk: synthesizes", command, cwd=directory, env=environment)
    for stack in ("ProtectedApi", "ExistingApi"):
        file = directory / f"cdk.out/{stack}.template.json"
        # W3005: dependencies that the CDK writes out and CloudFormation knows anyway.
        lint(check, file, "W3005")
        template = json.loads(file.read_text())
        cloudformation_agrees(check, f"examples/cdk, {stack}", template)
        methods = sorted((found["HttpMethod"], found["AuthorizationType"]) for found in of_type(template, "AWS::ApiGateway::Method"))
        wanted = [("GET", "CUSTOM"), ("GET", "NONE"), ("OPTIONS", "NONE")]
        check(f"examples/cdk, {stack}: a protected method, its preflight and a public one", methods == wanted, methods)
        deployment = next(name for name, found in template["Resources"].items() if found["Type"] == "AWS::ApiGateway::Deployment")
        needed = {
            name for name, found in template["Resources"].items()
            if found["Type"] in ("AWS::ApiGateway::GatewayResponse", "AWS::ApiGateway::Method")
        }
        waits = reached(template, deployment)
        check(f"examples/cdk, {stack}: the deployment waits for all of it", len(needed) == 6 and needed <= waits, waits)
        permitted = [json.dumps(found["SourceArn"]) for found in of_type(template, "AWS::Lambda::Permission")]
        check(f"examples/cdk, {stack}: API Gateway may invoke the authorizer", sum("/authorizers/" in arn for arn in permitted) == 1, permitted)
    existing = json.loads((directory / "cdk.out/ExistingApi.template.json").read_text())
    check("examples/cdk, ExistingApi: makes no API", not of_type(existing, "AWS::ApiGateway::RestApi"))
    (deployment,) = of_type(existing, "AWS::ApiGateway::Deployment")
    check("examples/cdk, ExistingApi: deploys to the stage", deployment == {"RestApiId": "a1b2c3d4e5", "StageName": "prod"}, deployment)


# MCP


def mcp_template(**parameters):
    """The template with these parameters, resolved."""
    template = copy.deepcopy(yaml_parse((EXAMPLES / "mcp/template.yaml").read_text()))
    for name, parameter in template["Parameters"].items():
        parameter["Default"] = parameters.get(name, parameter.get("Default"))
        pattern, value = parameter.get("AllowedPattern"), parameter["Default"]
        if pattern and not re.fullmatch(pattern, value):
            raise ValueError(f"{name}: {value} does not match {pattern}")
    return Resolver(template).resolve(template)


def mcp(check):
    lint(check, EXAMPLES / "mcp/template.yaml")
    given = {"AuthorizerArn": AUTHORIZER, "DomainName": MCP_HOST, "CertificateArn": CERTIFICATE, "AuthorizationServer": ISSUER}
    template = mcp_template(**given, Scopes="mcp:tools,mcp:resources")
    expression, _, responses = expected()
    (authorizer,) = of_type(template, "AWS::ApiGateway::Authorizer")
    check("examples/mcp: the validation expression is the template's", authorizer["IdentityValidationExpression"] == expression, authorizer)
    found = cloudformation_responses(template)
    challenges = {kind: response["headers"].pop("WWW-Authenticate") for kind, response in found.items() if kind != "DEFAULT_5XX"}
    for wanted in responses.values():
        wanted["headers"].pop("WWW-Authenticate", None)
    check("examples/mcp: the gateway responses are the template's but for the challenge", found == responses, found)

    methods = {
        (found["ResourceId"], found["HttpMethod"]): (found["AuthorizationType"], found["Integration"]["Type"])
        for found in of_type(template, "AWS::ApiGateway::Method")
    }
    wanted = {
        ("<McpResource>", "ANY"): ("CUSTOM", "AWS_PROXY"),
        ("<McpResource>", "OPTIONS"): ("NONE", "MOCK"),
        ("<MetadataResource>", "GET"): ("NONE", "MOCK"),
    }
    check("examples/mcp: the metadata and the preflight are public, and nothing else", methods == wanted, methods)
    resources = template["Resources"]
    (mapping,) = of_type(template, "AWS::ApiGateway::BasePathMapping")
    check("examples/mcp: there is no base path before the path of the resource", "BasePath" not in mapping, mapping)
    deployment = reached(template, resources["Stage"]["Properties"]["DeploymentId"].strip("<>"))
    needed = {n for n, r in resources.items() if r["Type"] in ("AWS::ApiGateway::GatewayResponse", "AWS::ApiGateway::Method")}
    check("examples/mcp: the deployment waits for all of it", deployment == needed, deployment)

    path = ""
    name = "MetadataResource"
    while name in resources:
        path = f"/{resources[name]['Properties']['PathPart']}{path}"
        parent = resources[name]["Properties"]["ParentId"]
        name = parent.strip("<>") if isinstance(parent, str) else ""
    integration = resources["MetadataMethod"]["Properties"]["Integration"]["IntegrationResponses"][0]
    body = integration["ResponseTemplates"]["application/json"]
    check("examples/mcp: nothing in the metadata is read as a mapping template", "$" not in body and "#" not in body, body)
    rfc_9728(check, f"https://{MCP_HOST}{path}", json.loads(body), ["mcp:tools", "mcp:resources"], ISSUER)
    for kind, parameters in (("UNAUTHORIZED", {}), ("ACCESS_DENIED", {"error": "insufficient_scope"})):
        value = challenges[kind]
        check(f"examples/mcp: the challenge of {kind} is a static value", value[0] == value[-1] == "'" and "'" not in value[1:-1], value)
        told = parameters | {"resource_metadata": f"https://{MCP_HOST}{path}", "scope": "mcp:tools mcp:resources"}
        check(f"examples/mcp: the challenge of {kind} is that of RFC 6750 and RFC 9728", challenge(value[1:-1]) == told, value)
    for name, value in (("AuthorizationServer", "http://tenant.example.com/"), ("AuthorizationServer", ISSUER + "?a"), ("Scopes", 'a"b'), ("DomainName", "https://mcp.example.com")):
        try:
            mcp_template(**(given | {name: value}))
            check(f"examples/mcp: {name} is never {value}", False)
        except ValueError:
            check(f"examples/mcp: {name} is never {value}", True)


def challenge(value):
    """The parameters of a `Bearer` challenge."""
    scheme, parameters = value.split(" ", 1)
    part = r'[a-z_]+="[^"\\]*"'
    if scheme != "Bearer" or not re.fullmatch(rf"{part}(, {part})*", parameters):
        return None
    return dict(re.findall(r'([a-z_]+)="([^"]*)"', parameters))


def rfc_9728(check, url, document, scopes, issuer):
    """The document, found at `url`, is the metadata of the resource that a client connects to."""
    # 3.1: the well-known path goes between the host and the path of the resource.
    resource = urlsplit(MCP_RESOURCE)
    wanted = f"https://{resource.hostname}/.well-known/oauth-protected-resource{resource.path}"
    check("RFC 9728, 3.1: the metadata is where the resource's path says", url == wanted, url)
    # 3.3: `resource` is, character by character, what the client connects to.
    check("RFC 9728, 3.3: resource is what the client connects to", document["resource"] == MCP_RESOURCE, document)
    # 2, with RFC 8414, 2: issuer identifiers, which are https addresses without query and fragment.
    servers = document["authorization_servers"]
    issuers = isinstance(servers, list) and all(
        urlsplit(server).scheme == "https" and urlsplit(server).hostname and not re.search("[?#]", server) for server in servers
    )
    check("RFC 9728, 2: authorization_servers are issuer identifiers", issuers and servers == [issuer], servers)
    check("RFC 9728, 2: tokens go into the header, the only place that the authorizer reads", document["bearer_methods_supported"] == ["header"], document)
    check("RFC 9728, 2: scopes_supported are scopes", document["scopes_supported"] == scopes and all(re.fullmatch(r"[!#-\[\]-~]+", s) for s in scopes), document)
    known = {"resource", "authorization_servers", "bearer_methods_supported", "scopes_supported"}
    check("RFC 9728, 2: and nothing else", set(document) == known, document)


def mcp_deployed(check, cloud, authorizer, minted):
    """A client that knows the address alone finds the authorization server; with a token it speaks with the server."""
    cloud.deploy(
        "mcp", EXAMPLES / "mcp/template.yaml", AuthorizerArn=authorizer, DomainName=MCP_HOST, CertificateArn=CERTIFICATE, AuthorizationServer=ISSUER
    )

    def send(method, path, message=None, token=None):
        sent = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        return cloud.request(MCP_HOST, method, path, sent, message and json.dumps({"jsonrpc": "2.0"} | message))

    initialize = {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
    refused = expect(check, "examples/mcp: without a token", send("POST", "/mcp", initialize), 401)
    told = challenge(refused.header("WWW-Authenticate"))
    metadata = f"https://{MCP_HOST}/.well-known/oauth-protected-resource/mcp"
    check("examples/mcp: the 401 names the metadata", told == {"resource_metadata": metadata, "scope": "mcp:tools"}, refused.headers)
    # The two ways of the MCP client: by the header, and by the address.
    by_header = mcp_client.build_protected_resource_metadata_discovery_urls(metadata, MCP_RESOURCE)
    by_address = mcp_client.build_protected_resource_metadata_discovery_urls(None, MCP_RESOURCE)
    check("examples/mcp: the MCP client looks there, with the header and without", by_header[0] == by_address[0] == metadata, [by_header, by_address])
    found = expect(check, "examples/mcp: the metadata, without a token", send("GET", urlsplit(metadata).path), 200)
    rfc_9728(check, metadata, found.json(), ["mcp:tools"], ISSUER)
    read = ProtectedResourceMetadata.model_validate_json(found.body)
    check("examples/mcp: the MCP client reads it", (str(read.resource), [str(server) for server in read.authorization_servers]) == (MCP_RESOURCE, [ISSUER]), read)

    token = minted(MCP_RESOURCE, scope="mcp:tools")
    answer = expect(check, "examples/mcp: with a token", send("POST", "/mcp", initialize, token), 200).json()
    check("examples/mcp: the server answers", answer["result"]["serverInfo"]["name"] == "whoami", answer)
    call = {"id": 2, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
    answer = expect(check, "examples/mcp: a tool", send("POST", "/mcp", call, token), 200).json()
    check("examples/mcp: the tool hears who calls", answer["result"]["content"] == [{"type": "text", "text": "ada"}], answer)
    expect(check, "examples/mcp: a notification", send("POST", "/mcp", {"method": "notifications/initialized"}, token), 202)
    expect(check, "examples/mcp: there is no stream to open", send("GET", "/mcp", token=token), 405)
    lacking = expect(check, "examples/mcp: without the scope", send("POST", "/mcp", initialize, minted(MCP_RESOURCE)), 403)
    told = challenge(lacking.header("WWW-Authenticate"))
    wanted = {"error": "insufficient_scope", "resource_metadata": metadata, "scope": "mcp:tools"}
    check("examples/mcp: the 403 says which scope it takes", told == wanted, lacking.headers)
    expect(check, "examples/mcp: a token of another resource", send("POST", "/mcp", initialize, minted("https://other.example.com", scope="mcp:tools")), 401)
    expect(check, "examples/mcp: the preflight, without a token", send("OPTIONS", "/mcp"), 200)
