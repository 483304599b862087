"""The Pets store of examples/pets, deployed with its table and its functions, and used by an administrator and by customers."""

import importlib
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import tokens
from cloud import REGION, ROOT
from stories import CONNECTION, DATABASE, SOCIAL, expect
from template import Resolver, yaml_parse

PETS = ROOT / "examples/pets"
# Who buy one pet in the same moment, and how many times each.
CUSTOMERS, TIMES = 5, 20
# Each of a hundred purchases has an environment of its own, and the local AWS starts them all on this machine's cores, in seconds.
PATIENCE = 600
NOBODY = "0" * 32


def deployed(check, cloud, provider):
    template = yaml_parse((PETS / "template.yaml").read_text())
    resources = Resolver(template | {"Parameters": {}}).resources(template)
    methods(check, resources)
    least_privilege(check, resources)
    key = tokens.RsaKey("pets")
    provider.keys, provider.down = [key], False
    # The one that the example comes with, but for whose tokens it accepts.
    document = json.loads((PETS / "authorizer.json").read_text())
    del document["$schema"]
    (issuer,) = document["issuers"]
    issuer["issuer"] = provider.issuer
    authorizer = cloud.deploy("pets-authorizer", SampleApi="false", Configuration=json.dumps(document)).function
    store = cloud.deploy("pets", PETS / "template.yaml", AuthorizerArn=authorizer)

    def user(connection, email):
        """What sends requests as this user: with a method, a path and a body, which may also be a text."""
        more = {CONNECTION: connection, "email": email, "sub": email}
        token = key.token(tokens.claims(provider.issuer, issuer["audience"], **more))

        def send(method, path, body=None):
            text = body if body is None or isinstance(body, str) else json.dumps(body)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            return cloud.request(cloud.host(store.api), method, f"/{store.stage}{path}", headers, text, PATIENCE)

        return send

    admin = user(DATABASE, "admin@example.com")
    customers = [user("github" if number % 2 else SOCIAL, f"customer-{number}@example.com") for number in range(CUSTOMERS)]
    for method, path in (("GET", "/pets"), ("POST", "/pets"), ("DELETE", f"/pets/{NOBODY}"), ("POST", "/pets/purchase")):
        expect(check, f"no token: {method} {path}", store.send(method, path), 401)
        expect(check, f"a preflight needs no token: {path}", store.send("OPTIONS", path), 200)
    told(check, admin, customers)
    bad_input(check, admin, customers[0])
    pages(check, cloud, admin, store.outputs["TableName"])
    at_once(check, cloud, admin, customers, store.outputs["TableName"])
    lost_answers(check, cloud, store.outputs["TableName"])


def methods(check, resources):
    """The local AWS leaves the headers of preflights out, so they are read here."""
    functions = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Serverless::Function"]
    used = {event["Properties"]["Method"] for function in functions for event in function["Events"].values()}
    allowed = resources["Api"]["Properties"]["Cors"]["AllowMethods"]
    check("examples/pets: a preflight allows every method", used | {"OPTIONS"} == set(allowed.strip("'").split(",")), allowed)


def least_privilege(check, resources):
    """Each function its own action on the one table, and its log."""
    for name, own in (("List", "Scan"), ("Add", "PutItem"), ("Remove", "DeleteItem"), ("Purchase", "UpdateItem")):
        function, role = (resources[f"{name}{kind}"]["Properties"] for kind in ("Function", "Role"))
        allowed = set()
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                allowed |= {(statement["Effect"], action, statement["Resource"]) for action in actions}
        log = "<StoreLogGroup.Arn>"
        wanted = {("Allow", "logs:CreateLogStream", log), ("Allow", "logs:PutLogEvents", log), ("Allow", f"dynamodb:{own}", "<PetsTable.Arn>")}
        alone = "ManagedPolicyArns" not in role and "Policies" not in function and function["Role"] == f"<{name}Role.Arn>"
        check(f"examples/pets: least privilege of {name}Function", allowed == wanted and alone, allowed)


def refused(check, what, response, status, error):
    """An answer of the store, which says what to do and can be told apart by a program."""
    expect(check, what, response, status)
    found = response.json() if response.status == status else {}
    check(f"... {error}, which a page may read", found.get("error") == error and found.get("message") and response.header("Access-Control-Allow-Origin") == "*", response.body[:200])


def told(check, admin, customers):
    """Who may do what, and what becomes of a pet."""
    customer, other = customers[:2]
    empty = expect(check, "a new store", admin("GET", "/pets"), 200)
    check("... has no pets", empty.json() == {"pets": []}, empty.body)
    added = expect(check, "a database user adds a pet", admin("POST", "/pets", {"name": " Pepper the cat ", "price": 80, "soldTo": "forged@example.com"}), 201)
    pet = added.json()
    number = pet.pop("id")
    wanted = {"name": "Pepper the cat", "price": 80, "sold": False}
    check("... which is not sold, whatever the body says", pet == wanted, added.body)
    wanted = {"id": number} | wanted
    for who, send in (("a database user", admin), ("a social user", customer)):
        check(f"{who} sees it", send("GET", "/pets").json() == {"pets": [wanted]})
    expect(check, "a social user may not add", customer("POST", "/pets", {"name": "Moss", "price": 1}), 403)
    expect(check, "a social user may not remove", customer("DELETE", f"/pets/{number}"), 403)
    expect(check, "a database user may not buy", admin("POST", "/pets/purchase", {"id": number}), 403)
    check("what was refused has changed nothing", admin("GET", "/pets").json() == {"pets": [wanted]})

    bought = expect(check, "a social user buys it", customer("POST", "/pets/purchase", {"id": number, "soldTo": "forged@example.com", "email": "forged@example.com"}), 200)
    sold = wanted | {"sold": True}
    mine = sold | {"soldTo": "customer-0@example.com"}
    check("... for the e-mail address of the token, whatever the body says", bought.json() == mine, bought.body)
    check("the buyer sees who has it", customer("GET", "/pets").json() == {"pets": [mine]})
    for who, send in (("another customer", other), ("the administrator", admin)):
        check(f"{who} sees that it is sold, and not to whom", send("GET", "/pets").json() == {"pets": [sold]})
    for who, send in (("another", other), ("the same", customer)):
        refused(check, f"it is sold once: {who} customer", send("POST", "/pets/purchase", {"id": number}), 409, "sold")
    refused(check, "a sold pet is not removed", admin("DELETE", f"/pets/{number}"), 409, "sold")
    check("... and stays with its buyer", customer("GET", "/pets").json() == {"pets": [mine]})

    second = admin("POST", "/pets", {"name": "Moss the tortoise 🐢", "price": 0}).json()
    check("a name is any text, and a price may be 0", second == {"id": second["id"], "name": "Moss the tortoise 🐢", "price": 0, "sold": False}, second)
    removed = expect(check, "a database user removes a pet", admin("DELETE", f"/pets/{second['id']}"), 200)
    check("... and is told which", removed.json() == {"removed": second["id"]}, removed.body)
    check("... which is gone", admin("GET", "/pets").json() == {"pets": [sold]})
    refused(check, "a pet that is gone is not removed again", admin("DELETE", f"/pets/{second['id']}"), 404, "no_such_pet")
    refused(check, "... nor sold", customer("POST", "/pets/purchase", {"id": second["id"]}), 404, "no_such_pet")
    refused(check, "an id that is none: remove", admin("DELETE", "/pets/pepper"), 404, "no_such_pet")
    for number in (NOBODY, "", "pepper", "A" * 3000):
        refused(check, f"an id of no pet: buy {number[:8] or 'nothing'}", customer("POST", "/pets/purchase", {"id": number}), 404, "no_such_pet")
    check("none of these has made a pet", admin("GET", "/pets").json() == {"pets": [sold]})


def bad_input(check, admin, customer):
    before = admin("GET", "/pets").json()
    bodies = [("nothing", None), ("no JSON", "name=Pepper"), ("half of a JSON", '{"name":'), ("a list", []), ("null", "null"), ("too deep", "[" * 100_000)]
    for what, body in bodies:
        refused(check, f"a body that is {what}: add", admin("POST", "/pets", body), 400, "bad_body")
        refused(check, f"a body that is {what}: buy", customer("POST", "/pets/purchase", body), 400, "bad_body")
    for name in (None, 7, "", " ", "a" * 101, ["Pepper"], "\ud83d"):
        refused(check, f"a name that is {json.dumps(name)[:20]}", admin("POST", "/pets", {"name": name, "price": 1}), 400, "bad_name")
    for price in (None, -1, 1.5, 80.0, "80", True, 1_000_001, 10**400):
        refused(check, f"a price that is {json.dumps(price)[:20]}", admin("POST", "/pets", {"name": "Pepper", "price": price}), 400, "bad_price")
    for number in (None, 1, ["a"], {"S": NOBODY}):
        refused(check, f"an id that is {json.dumps(number)[:20]}", customer("POST", "/pets/purchase", {"id": number}), 400, "bad_id")
    refused(check, "an after that no answer has named", customer("GET", "/pets?after=pepper"), 400, "bad_after")
    check("bad input changes nothing", admin("GET", "/pets").json() == before)
    check("the longest name and the highest price", admin("POST", "/pets", {"name": "a" * 100, "price": 1_000_000}).status == 201)


def pages(check, cloud, admin, table):
    """More pets than one answer has."""
    dynamodb = cloud.client("dynamodb")
    for number in range(1, 231):
        dynamodb.put_item(TableName=table, Item={"id": {"S": f"{number:032x}"}, "name": {"S": "Pepper"}, "price": {"N": "1"}})
    seen, sizes, path = [], [], "/pets"
    while path and len(sizes) < 10:
        page = admin("GET", path).json()
        seen += [pet["id"] for pet in page["pets"]]
        sizes.append(len(page["pets"]))
        path = f"/pets?after={page['next']}" if "next" in page else None
    check("a long list comes in pages of 100 pets", sizes[:2] == [100, 100] and len(sizes) == 3, sizes)
    stored = {item["id"]["S"] for item in dynamodb.get_paginator("scan").paginate(TableName=table).search("Items")}
    check("... that have every pet once", sorted(seen) == sorted(stored) and len(stored) >= 230, len(seen))


def at_once(check, cloud, admin, customers, table):
    """A hundred purchases of one pet."""
    # An environment shares two cores with a hundred others here, which does not count as time of the function.
    for function in cloud.client("cloudformation").describe_stack_resources(StackName="pets")["StackResources"]:
        if function["LogicalResourceId"] == "PurchaseFunction":
            cloud.functions.update_function_configuration(FunctionName=function["PhysicalResourceId"], Timeout=PATIENCE)
    buyers = customers * TIMES

    def bought(pet):
        """The statuses of all at once."""
        start = threading.Barrier(len(buyers))

        def buy(customer):
            start.wait()
            return customer("POST", "/pets/purchase", {"id": pet}).status

        with ThreadPoolExecutor(len(buyers)) as pool:
            return list(pool.map(buy, buyers))

    # The environments start at their own pace. Once they are there, purchases do come together.
    for customer in customers:
        customer("GET", "/pets")
    seen = set(bought(NOBODY))
    check(f"{len(buyers)} purchases at once of a pet that is not there: each is 404", seen == {404}, seen)
    pet = admin("POST", "/pets", {"name": "Biscuit the dog", "price": 120}).json()["id"]
    statuses = bought(pet)
    counted = {status: statuses.count(status) for status in set(statuses)}
    check(f"{len(buyers)} purchases at once of one pet, by {CUSTOMERS} customers: one is 200, the others are 409", counted == {200: 1, 409: len(buyers) - 1}, counted)
    item = cloud.client("dynamodb").get_item(TableName=table, Key={"id": {"S": pet}}, ConsistentRead=True)["Item"]
    winner = f"customer-{statuses.index(200) % CUSTOMERS}@example.com" if 200 in statuses else None
    check("... and the pet is the winner's", item.get("soldTo") == {"S": winner}, item)


def lost_answers(check, cloud, table):
    """The SDK sends a request again whose answer was lost; the first one may have done its work."""
    client = cloud.client("dynamodb")

    class Twice:
        """A client whose first answers are lost."""

        exceptions = client.exceptions

        def __getattr__(self, operation):
            def run(**arguments):
                getattr(client, operation)(**arguments)
                return getattr(client, operation)(**arguments)

            return run

    def call(module, body, context={"email": "ada@example.com"}):
        event = {"body": json.dumps(body), "requestContext": {"authorizer": context}}
        return importlib.import_module(module).handler(event, None)

    with mock.patch.dict(os.environ, TABLE=table, AWS_DEFAULT_REGION=REGION), mock.patch.object(sys, "path", [str(PETS / "functions"), *sys.path]), \
            mock.patch.object(sys, "dont_write_bytecode", True):
        shared = importlib.import_module("store")
        with mock.patch.object(shared, "dynamodb", Twice()):
            added = call("add_pet", {"name": "Button the rabbit", "price": 35})
            check("a pet is added although the first answer was lost", added["statusCode"] == 201, added)
            pet = json.loads(added["body"])["id"]
            bought = call("purchase_pet", {"id": pet})
            sold = json.loads(bought["body"])
            check("... and sold", (bought["statusCode"], sold.get("soldTo")) == (200, "ada@example.com"), bought)
            again = call("purchase_pet", {"id": pet})
            check("... once, also to its own buyer", again["statusCode"] == 409, again)
            unknown = call("purchase_pet", {"id": pet}, {})
            check("without an e-mail address nobody buys, and the answer says what to configure", unknown["statusCode"] == 500 and '"context"' in json.loads(unknown["body"])["message"], unknown)
