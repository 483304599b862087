"""What is built and travels: the function of `sam build`, the files of a release, and a configuration in a layer."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import stories
import tokens
from cloud import ARCHITECTURE, ROOT
from shell import ended, shown

BUILT = ROOT / ".aws-sam/build/template.yaml"
BINARY = BUILT.with_name("AuthorizerFunction") / "bootstrap"
# Amazon Linux 2 has this glibc, Amazon Linux 2023 a newer one.
NEWEST_GLIBC = (2, 26)
AUTHZ = ROOT / "target/debug/authz"
# In place of the folder beside the template, which may hold someone's configuration.
LAYER = ROOT / "target/deploy-test/layer"


def glibc(binary):
    """The newest version of glibc that the binary asks for."""
    versions = subprocess.run(["readelf", "--version-info", "--wide", binary], check=True, capture_output=True, text=True).stdout
    return max(tuple(map(int, version.split("."))) for version in re.findall(r"Name: GLIBC_([0-9.]+)", versions))


def linked_statically(binary):
    """Whether the binary needs no library and no loader, and is yet put at a random address."""
    header, dynamic = (subprocess.run(["readelf", "--wide", *parts, binary], check=True, capture_output=True, text=True).stdout
                       for parts in (["--file-header", "--program-headers"], ["--dynamic"]))
    return "DYN (Position-Independent" in header and " INTERP " not in header and "(NEEDED)" not in dynamic and "PIE" in dynamic


def built(check, cloud):
    text = (ROOT / "template.yaml").read_text()
    check("the template names its architecture once, and not by a parameter", text.count("Architectures: [arm64]") == text.count("Architectures:") == 1)
    source = cloud.directory / "template.yaml"
    source.write_text(text.replace("[arm64]", f"[{ARCHITECTURE}]").replace("ContentUri: layer", f"ContentUri: {LAYER}"))
    LAYER.mkdir(parents=True, exist_ok=True)
    run = shown(["sam", "build", "--template", source, "--base-dir", ROOT], env=cloud.environment)
    check("sam build makes a bootstrap", run and BINARY.exists(), run)
    check("it runs on provided.al2 and provided.al2023: no symbol newer than glibc 2.26", glibc(BINARY) <= NEWEST_GLIBC, glibc(BINARY))


def released(check, cloud, provider):
    """The zips and the templates of a release, on a machine that has no Rust."""
    run = shown(["cargo", "xtask", "release"], env=cloud.environment)
    check("cargo xtask release", run, run)
    files = ROOT / "target/release-files"
    listed = dict(line.split()[::-1] for line in (files / "SHA256SUMS").read_text().splitlines())
    configured(check, cloud, files / f"template-{ARCHITECTURE}.yaml")
    expected = {file.name for file in files.iterdir()} - {"SHA256SUMS"}
    sums = {name: hashlib.sha256((files / name).read_bytes()).hexdigest() for name in expected}
    check("... its checksums", listed == sums, listed)
    for architecture in ("arm64", "x86_64"):
        check(f"... {architecture}: a template", f"template-{architecture}.yaml" in expected, expected)
        check(f"... {architecture}: a bill of materials", f"apigw-jwt-authorizer-{architecture}.cdx.json" in expected, expected)
        with zipfile.ZipFile(files / f"apigw-jwt-authorizer-{architecture}.zip") as archive:
            entry = archive.getinfo("bootstrap")
            check(f"... {architecture}: an executable bootstrap and nothing else", archive.namelist() == ["bootstrap"] and entry.external_attr >> 16 & 0o111)
            runs(check, cloud, architecture, archive.read("bootstrap"))
    key = tokens.RsaKey("released")
    provider.keys = [key]
    api = cloud.deploy("released", files / f"template-{ARCHITECTURE}.yaml", Issuer=provider.issuer, Audience=stories.AUDIENCE)
    stories.without_invoking(check, api)
    stories.told(check, api, lambda **more: key.token(tokens.claims(provider.issuer, stories.AUDIENCE, **more)))


def configured(check, cloud, template):
    """The document in the zip beside the template travels as a layer."""
    with zipfile.ZipFile(template.with_name("configuration.zip")) as archive:
        names, document = archive.namelist(), archive.read("authorizer.json")
    check("... the zip of a configuration", names == ["authorizer.json"] and json.loads(document)["issuers"], names)
    stack = cloud.deploy("released-document", template, ConfigurationFile="true", SampleApi="false")
    function = cloud.functions.get_function_configuration(FunctionName=stack.function)
    with layer(cloud, function["Layers"][0]["Arn"]) as brought:
        check("... is deployed as a layer", brought.read("authorizer.json") == document, brought.namelist())


def runs(check, cloud, architecture, bootstrap):
    """Each architecture's binary answers an event; the one that is not this machine's does under an emulator."""
    binary = cloud.directory / f"bootstrap-{architecture}"
    binary.write_bytes(bootstrap)
    binary.chmod(0o755)
    check(f"... {architecture}: it runs on any Linux: it is static, and at a random address", linked_statically(binary))
    emulator = ["qemu-aarch64"] if architecture == "arm64" and os.uname().machine != "aarch64" else []
    event = ROOT / "events/orders-get-orders.json"
    run = subprocess.run(
        [*emulator, binary, event], capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "AUTHORIZER_CONFIG_FILE": str(ROOT / "events/config/authorizer.json")},
    )
    right = run.returncode == 0 and json.loads(run.stdout) == json.loads((ROOT / "events/answers" / event.name).read_text())
    check(f"... {architecture}: it answers an event", right, ended(run))
    if not emulator:
        resolves(check, architecture, binary)


def resolves(check, architecture, binary):
    """A static binary has the C library's name resolution in it, not the machine's: it has to find an issuer all the same."""
    apart = ["unshare", "--mount", "--net"]
    if subprocess.run([*apart, "true"], capture_output=True).returncode:
        print(f"skip ... {architecture}: it finds its issuer by name (a network of its own is not allowed here)")
        return
    names = Path(__file__).with_name("names.py")
    run = subprocess.run([*apart, sys.executable, "-B", names, binary], check=True, capture_output=True, text=True)
    seen = json.loads(run.stdout)
    found = ["issuer.example.com", 1] in seen["asked"] and '"Effect":"Allow"' in seen["answer"]
    check(f"... {architecture}: it finds its issuer by name, and fetches the keys over TLS", found, seen)


def layer(cloud, arn):
    """What is in a layer."""
    name, version = arn.split(":")[-2:]
    location = cloud.functions.get_layer_version(LayerName=name, VersionNumber=int(version))["Content"]["Location"]
    with urllib.request.urlopen(location) as response:
        return zipfile.ZipFile(io.BytesIO(response.read()))


def with_authz(check):
    """The other program, for the way that its users go."""
    run = shown(["cargo", "build", "--locked", "--features", "authz", "--bin", "authz"])
    check("cargo build: authz", run, run)


def layered(check, cloud):
    """A configuration that no environment variable holds, in a layer. The local AWS brings no layers to a function, so the last step is done here."""
    home = cloud.directory / "layer"
    home.mkdir()
    key = tokens.RsaKey("layered")
    routes = [{"method": "GET", "path": f"/orders/{number}/items", "scopes": f"read:{number}"} for number in range(100)]
    document = {"issuers": [{"issuer": "https://issuer.example.com/", "audience": stories.AUDIENCE, "jwks": {"keys": [key.jwk()]}}], "routes": routes}
    (home / "authorizer.json").write_text(json.dumps(document))
    check("a configuration of more than 4 KB", len(json.dumps(document)) > 4096)
    parameters = home / "parameters.yaml"
    with_authz(check)
    run = shown([AUTHZ, "deploy-parameters", home / "authorizer.json", "--output", parameters, "--layer", LAYER], env=cloud.environment)
    check("... is written into the folder of the layer", run, run)
    stack = cloud.deploy("layered", file=parameters)
    function = cloud.functions.get_function_configuration(FunctionName=stack.function)
    arns = [layer["Arn"] for layer in function.get("Layers", [])]
    check("... travels as a layer", len(arns) == 1 and "AUTHORIZER_CONFIG" not in function.get("Environment", {}).get("Variables", {}), function)

    opt = home / "opt"
    with layer(cloud, arns[0]) as brought:
        brought.extractall(opt)
    event = {"type": "TOKEN", "methodArn": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/demo/GET/orders/99/items"}
    event["authorizationToken"] = f"Bearer {key.token(tokens.claims('https://issuer.example.com/', stories.AUDIENCE, scope='read:99'))}"
    (home / "event.json").write_text(json.dumps(event))
    # A mount of one's own: nobody else sees this /opt.
    command = f"mount --bind {opt} /opt && exec {BINARY} {home / 'event.json'}"
    run = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", command], cwd=home / "opt", capture_output=True, text=True,
        env=function.get("Environment", {}).get("Variables", {}) | {"LAMBDA_TASK_ROOT": str(BINARY.parent), "PATH": os.environ["PATH"]},
    )
    right = run.returncode == 0 and event["methodArn"] in json.loads(run.stdout)["policyDocument"]["Statement"][0]["Resource"]
    check("... and the function reads it in /opt", right, ended(run))

    again = cloud.deploy("layered", ConfigurationFile="false", ConfigurationLayerArn=arns[0])
    function = cloud.functions.get_function_configuration(FunctionName=again.function)
    check("a layer that is published already", [layer["Arn"] for layer in function["Layers"]] == arns, function)
