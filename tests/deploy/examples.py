"""The examples, each by a tool of its own kind. The one for SAM is also deployed (stories.py)."""

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import hcl2

from cloud import REGION, ROOT
from template import source

EXAMPLES = ROOT / "examples"


def checked(check, directory):
    agreement(check)
    terraform(check)
    cloud_development_kit(check, Path(directory) / "cdk")
    lint(check, EXAMPLES / "sam/template.yaml")


def lint(check, template, *ignored):
    command = ["cfn-lint", "--regions", REGION, *(["--ignore-checks", *ignored] if ignored else []), "--template", str(template)]
    run = subprocess.run(command, capture_output=True, text=True)
    check(f"cfn-lint has nothing to say of {template.name}", run.returncode == 0, run.stdout[:2000])


def agreement(check):
    """Each has the validation expression and the gateway responses of the template."""
    api = source()["Resources"]["Api"]["Properties"]
    expression = api["Auth"]["Authorizers"]["Jwt"]["Identity"]["ValidationExpression"]
    bodies = [api["GatewayResponses"][kind]["ResponseTemplates"]["application/json"] for kind in ("UNAUTHORIZED", "ACCESS_DENIED")]
    for file in ("sam/template.yaml", "terraform/main.tf", "cdk/app.ts"):
        text = (EXAMPLES / file).read_text()
        if not file.endswith(".yaml"):
            text = text.replace("\\\\", "\\").replace('\\"', '"')
        check(f"examples/{file}: the expression", expression in text)
        check(f"examples/{file}: the gateway responses", all(body in text for body in [*bodies, "DEFAULT_5XX"]))


def terraform(check):
    """Its syntax. The provider's schema is not at hand."""
    with (EXAMPLES / "terraform/main.tf").open() as file:
        document = hcl2.load(file)
    kinds = {re.sub(r'"', "", kind) for resource in document["resource"] for kind in resource if not kind.startswith("__")}
    check("examples/terraform: parses, and holds an authorizer", "aws_api_gateway_authorizer" in kinds, kinds)


def cloud_development_kit(check, directory):
    if not shutil.which("npm"):
        print("     examples/cdk is not checked: there is no npm")
        return
    shutil.copytree(EXAMPLES / "cdk", directory, ignore=shutil.ignore_patterns("node_modules", "cdk.out"))
    shutil.copy(ROOT / "events/config/authorizer.json", directory)
    with zipfile.ZipFile(directory / "apigw-jwt-authorizer-arm64.zip", "w") as archive:
        archive.writestr("bootstrap", "")
    install = subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=directory, capture_output=True, text=True)
    check("examples/cdk: npm install", install.returncode == 0, install.stderr[-1000:])
    environment = os.environ | {"CDK_OUTDIR": str(directory / "cdk.out")}
    synth = subprocess.run(["npm", "run", "synth"], cwd=directory, env=environment, capture_output=True, text=True)
    check("examples/cdk: synthesizes", synth.returncode == 0, synth.stderr[-1000:])
    # W3005: dependencies that the CDK writes out and CloudFormation knows anyway.
    lint(check, directory / "cdk.out/ProtectedApi.template.json", "W3005")
