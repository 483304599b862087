"""Checks of the template's text: of all that a local AWS does not do as AWS does, and of every variant."""

import copy
import json
import logging
import os
import re
import subprocess
from pathlib import Path

from cloud import REGION, ROOT
from shell import ended

os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

logging.getLogger("samtranslator").setLevel(logging.CRITICAL)

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:jwt-AbCdEf"
KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:AWS-Parameters-and-Secrets-Lambda-Extension-Arm64:17"
CONFIGURATION_LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:configuration:1"
TOPIC = "arn:aws:sns:us-east-1:123456789012:on-call"
OPAQUE = "^[Bb]earer +[-0-9A-Za-z._~+/]+=*$"
ANSWERS = {"Issuer": "https://tenant.example.com/", "Audience": "https://api.example.com"}

# Every value of every parameter that switches something.
VARIANTS = {
    "the defaults": {},
    "no sample API": {"SampleApi": "false"},
    "provided.al2023": {"Runtime": "provided.al2023"},
    "several audiences": {"Audience": "one,two", "AudienceClaim": "client_id"},
    "a key set": {"JwksUri": "https://tenant.example.com/jwks"},
    "algorithms": {"Algorithms": "RS256,ES256"},
    "a secret": {"SecretArn": SECRET, "ExtensionLayerArn": LAYER},
    "a secret's field and key": {"SecretArn": SECRET, "SecretField": "key", "SecretKmsKeyArn": KEY, "SecretEncoding": "base64", "ExtensionLayerArn": LAYER},
    "a secret without the sample API": {"SecretArn": SECRET, "ExtensionLayerArn": LAYER, "SampleApi": "false"},
    "a parameter": {"SecretParameter": "/jwt/secret", "ExtensionLayerArn": LAYER, "SecretEncoding": "base64url", "Algorithms": "HS512"},
    "a parameter's key": {"SecretParameter": "/jwt/secret", "SecretKmsKeyArn": KEY, "ExtensionLayerArn": LAYER},
    "a key without a secret": {"SecretKmsKeyArn": KEY},
    "401 for invalid tokens": {"InvalidToken": "unauthorized"},
    "undeclared routes allowed": {"UndeclaredRoutes": "allow"},
    "undeclared routes absent": {"UndeclaredRoutes": "absent"},
    "no caching": {"CacheSeconds": "0"},
    "a configuration": {"Configuration": '{"issuers":[{"issuer":"https://a.example.com/","audience":"b"}],"undeclared_routes":"allow"}'},
    "a configuration and no issuer": {"Issuer": "", "Audience": "", "Configuration": '{"issuers":[{"issuer":"https://a.example.com/","audience":"b"}],"undeclared_routes":"allow"}'},
    "a configuration file": {"Issuer": "", "Audience": "", "ConfigurationFile": "true"},
    "a configuration layer": {"Issuer": "", "Audience": "", "ConfigurationLayerArn": CONFIGURATION_LAYER},
    "claims of scopes": {"ScopeClaims": "scope,/realm_access/roles"},
    "required claims": {"RequiredClaims": '{"token_use":"access","email_verified":true}'},
    "an origin": {"AllowOrigin": "https://app.example.com"},
    "opaque tokens": {"IdentityValidationExpression": OPAQUE},
    "its log": {"LogLevel": "DEBUG", "LogRetentionDays": "1"},
    "what is seen of it": {"Observability": "true"},
    "alarms that tell someone": {"Observability": "true", "AlarmTopicArn": TOPIC, "SampleApi": "false"},
}


def source():
    return yaml_parse((ROOT / "template.yaml").read_text())


def translated(text, parameters):
    """What SAM makes of the template, with the parameters as its defaults."""
    template = copy.deepcopy(text)
    for name, value in parameters.items():
        number = template["Parameters"][name]["Type"] == "Number"
        template["Parameters"][name]["Default"] = int(value) if number else value
    for resource in template["Resources"].values():
        for uri in {"CodeUri", "ContentUri"} & set(resource.get("Properties", {})):
            resource["Properties"][uri] = "s3://bucket/key"

    class NoManagedPolicies:
        def load(self):
            return {}

    values = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    return transform(template, values, NoManagedPolicies())


class Resolver:
    """The intrinsic functions that the template uses, for one set of parameters."""

    PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": "123456789012", "AWS::StackName": "stack", "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": None}

    def __init__(self, template):
        self.conditions = template.get("Conditions", {})
        self.values = dict(self.PSEUDO)
        for name, parameter in template["Parameters"].items():
            value = str(parameter["Default"])
            self.values[name] = value.split(",") if parameter["Type"] == "CommaDelimitedList" else value

    def holds(self, condition):
        (name, value), = condition.items() if isinstance(condition, dict) else [("Condition", condition)]
        match name:
            case "Condition":
                return self.holds(self.conditions[value])
            case "Fn::Equals":
                return self.resolve(value[0]) == self.resolve(value[1])
            case "Fn::Not":
                return not self.holds(value[0])
            case "Fn::And":
                return all(map(self.holds, value))
            case "Fn::Or":
                return any(map(self.holds, value))
        raise ValueError(name)

    def resolve(self, node):
        if isinstance(node, list):
            return [item for item in map(self.resolve, node) if item is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, value), = node.items()
            match name:
                case "Ref":
                    return self.values.get(value, f"<{value}>") if value != "AWS::NoValue" else None
                case "Fn::GetAtt":
                    return f"<{'.'.join(value) if isinstance(value, list) else value}>"
                case "Fn::If":
                    return self.resolve(value[1] if self.holds(value[0]) else value[2])
                case "Fn::Join":
                    return value[0].join(self.resolve(value[1]))
                case "Fn::Split":
                    return self.resolve(value[1]).split(value[0])
                case "Fn::Sub":
                    text, local = value if isinstance(value, list) else (value, {})
                    local = {key: self.resolve(item) for key, item in local.items()}
                    return re.sub(r"\$\{([\w:.]+)\}", lambda m: str(local.get(m[1], self.values.get(m[1], f"<{m[1]}>"))), text)
        resolved = {name: self.resolve(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value is not None}

    def resources(self, template):
        found = {name: r for name, r in template["Resources"].items() if "Condition" not in r or self.holds(r["Condition"])}
        return {name: self.resolve(r) for name, r in found.items()}


def checked(check, directory):
    text = source()
    lint(check, text, Path(directory))
    for name, parameters in VARIANTS.items():
        template = translated(text, ANSWERS | parameters)
        resources = Resolver(template).resources(template)
        function = resources["AuthorizerFunction"]["Properties"]
        accepted(check, name, function)
        least_privilege(check, name, resources, parameters)
        layers = [parameters[p] for p in ("ExtensionLayerArn", "ConfigurationLayerArn") if p in parameters]
        own = [logical for logical, resource in resources.items() if resource["Type"] == "AWS::Lambda::LayerVersion"]
        check(f"{name}: a layer of its own if asked for", len(own) == ("ConfigurationFile" in parameters), own)
        layers += [f"<{logical}>" for logical in own]
        check(f"{name}: the layers", function.get("Layers", []) == layers, function.get("Layers"))
    template = translated(text, ANSWERS)
    api(check, Resolver(template).resources(template)["Api"]["Properties"]["Body"])
    expressions(check, text)
    gateway_responses(check, text)
    agreement(check, text)


def lint(check, text, directory):
    files = []
    for number, (name, parameters) in enumerate(VARIANTS.items()):
        file = directory / f"{number}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}.json"
        template = translated(text, ANSWERS | parameters)
        # SAM writes the value of CacheSeconds into its output, which then does not use the parameter.
        template["Metadata"]["cfn-lint"]["config"]["ignore_checks"].append("W2001")
        file.write_text(json.dumps(template, indent=1, default=str))
        files.append(str(file))
    files.append(str(ROOT / "template.yaml"))
    run = subprocess.run(["cfn-lint", "--regions", REGION, "--template", *files], capture_output=True, text=True)
    check(f"cfn-lint has nothing to say of {len(files)} templates", run.returncode == 0, ended(run))


def accepted(check, name, function):
    """What the parameters assemble is a configuration: the function's own binary says so."""
    variables = function.get("Environment", {}).get("Variables", {})
    if "AUTHORIZER_CONFIG" not in variables:
        check(f"{name}: the configuration is left to the layer", name in ("a configuration file", "a configuration layer"), variables)
        return
    binary = ROOT / ".aws-sam/build/AuthorizerFunction/bootstrap"
    run = subprocess.run([binary, ROOT / "events/no-token.json"], env=variables, capture_output=True, text=True)
    check(f"{name}: the configuration is accepted", run.returncode == 0, ended(run))


def least_privilege(check, name, resources, parameters):
    """The function's own log, its secret if one is named, and nothing else."""
    own_log = "<AuthorizerLogGroup.Arn>"
    expected = {("logs:CreateLogStream", own_log), ("logs:PutLogEvents", own_log)}
    if "SecretArn" in parameters:
        expected.add(("secretsmanager:GetSecretValue", SECRET))
    if "SecretParameter" in parameters:
        expected.add(("ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/jwt/secret"))
    if "SecretKmsKeyArn" in parameters and name != "a key without a secret":
        expected.add(("kms:Decrypt", KEY))
    role = resources["AuthorizerRole"]["Properties"]
    allowed = set()
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            allowed |= {(action, statement["Resource"]) for action in actions}
    check(f"{name}: least privilege", allowed == expected and "ManagedPolicyArns" not in role, allowed)


def api(check, body):
    """What the gateway is told: anchored expressions, no authorizer for preflights, one for everything else."""
    authorizers = {n: s["x-amazon-apigateway-authorizer"] for n, s in body["securityDefinitions"].items()}
    check("three authorizers", set(authorizers) == {"Jwt", "Movies", "Devices"}, set(authorizers))
    check("... over one function", len({a["authorizerUri"] for a in authorizers.values()}) == 1, authorizers)
    for name, authorizer in authorizers.items():
        expression = authorizer["identityValidationExpression"]
        check(f"{name}: the expression is anchored at both ends", expression[0] == "^" and expression[-1] == "$", expression)
        check(f"{name}: a TOKEN authorizer", authorizer["type"] == "token", authorizer["type"])
        check(f"{name}: answers are kept", str(authorizer["authorizerResultTtlInSeconds"]) == "300", authorizer)
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            needed = [] if method == "options" else [{"/movie": "Movies", "/device": "Devices"}.get(path, "Jwt")]
            named = [name for entry in operation.get("security", []) for name in entry]
            check(f"{method} {path}: {needed or 'no authorizer'}", named == needed, operation.get("security"))


def expressions(check, text):
    """The header of a JWT reaches the function, and with the expression of the documentation that of an opaque token, too."""
    shown = (ROOT / "docs/opaque-tokens.md").read_text()
    check("the documentation and `authz deploy-parameters` have the expression for opaque tokens", f"    {OPAQUE}\n" in shown and OPAQUE in (ROOT / "src/bin/authz/expression.rs").read_text(), OPAQUE)
    for parameters, opaque in (({}, False), ({"IdentityValidationExpression": OPAQUE}, True)):
        template = translated(text, ANSWERS | parameters)
        body = Resolver(template).resources(template)["Api"]["Properties"]["Body"]
        for name, scheme in body["securityDefinitions"].items():
            expression = re.compile(scheme["x-amazon-apigateway-authorizer"]["identityValidationExpression"])
            for header, reaches in (("Bearer a.b-c.d_e", True), ("bearer  a.b.c", True), ("Bearer opaque~+/==", opaque), ("Bearer a", opaque), ("Bearer", False), ("Bearer a b", False), ("Basic a", False), ("Bearer {a}", False)):
                check(f"{name}: {header!r} {'reaches' if reaches else 'does not reach'} the function", bool(expression.fullmatch(header)) == reaches, expression.pattern)


def gateway_responses(check, text):
    """The local AWS does not read them, so they are read here."""
    for setting, refused in (("deny", "Bearer"), ("unauthorized", 'Bearer error="insufficient_scope"')):
        template = copy.deepcopy(text)
        for name, value in (ANSWERS | {"InvalidToken": setting}).items():
            template["Parameters"][name]["Default"] = value
        responses = Resolver(template).resolve(template["Resources"]["Api"]["Properties"]["GatewayResponses"])
        challenges = {kind: r["ResponseParameters"]["Headers"].get("WWW-Authenticate") for kind, r in responses.items()}
        expected = {"UNAUTHORIZED": "'Bearer error=\"invalid_token\"'", "ACCESS_DENIED": f"'{refused}'", "DEFAULT_5XX": None}
        check(f"{setting}: the challenges of RFC 6750", challenges == expected, challenges)
        for kind, response in responses.items():
            headers = response["ResponseParameters"]["Headers"]
            check(f"{kind}: browsers may read it", headers["Access-Control-Allow-Origin"] == "'*'", headers)
            check(f"{kind}: headers are static texts", all(v[0] == v[-1] == "'" for v in headers.values()), headers)
            body = response["ResponseTemplates"]["application/json"]
            variables = set(re.findall(r"\$[\w.]+", body))
            check(f"{kind}: fixed codes and nothing of the request", variables <= {"$context.authorizer.error", "$context.authorizer.reason"}, variables)
            without = json.loads(re.sub(r"\$[\w.]+", "", body))
            check(f"{kind}: JSON that reads well when the codes are absent", without["message"] and set(without) <= {"message", "error", "reason"}, without)
    statuses = {kind: r.get("StatusCode") for kind, r in responses.items()}
    check("the statuses", statuses == {"UNAUTHORIZED": 401, "ACCESS_DENIED": 403, "DEFAULT_5XX": None}, statuses)


def agreement(check, text):
    """The default routes are those of the events, for one issuer; and they are the API's."""
    document = json.loads((ROOT / "events/config/authorizer.json").read_text())
    for route in document["routes"]:
        route["claims"].pop("iss")
        if not route["claims"]:
            del route["claims"]
    routes = json.loads(text["Parameters"]["Routes"]["Default"])
    check("the default routes are the events'", routes == document["routes"], routes)
    events = text["Resources"]["BackendFunction"]["Properties"]["Events"].values()
    methods = {(e["Properties"]["Method"], e["Properties"]["Path"]) for e in events}
    check("... and the sample API's", methods == {(r["method"], r["path"]) for r in routes}, methods)
