"""What is seen of a deployed function: its metrics, alarms and dashboard.

The local AWS keeps metric filters, alarms and dashboards, and an alarm tells its topic when a value is put into its metric. It counts no log
lines by filters, keeps no lines of custom runtimes, does not look at an alarm's dimensions or at missing data, and knows neither saved queries
nor metric math in a stack: those resources are taken out of the template first. What the patterns count and the queries show is held by
tests/lambda/observability.rs, against lines of the real program. A stack without Observability is that of stories.alone.
"""

import json
import time

import yaml
from samtranslator.yaml_helper import yaml_parse

import stories
from artefact import BUILT

FILTERS, ALARMS, QUERIES = "AWS::Logs::MetricFilter", "AWS::CloudWatch::Alarm", "AWS::Logs::QueryDefinition"
UNPLAYED = "MostRefusedAlarm"


def playable():
    """The built template without what the local AWS refuses, in its place, from where it finds the function. Also its resources by type."""
    template = yaml_parse(BUILT.read_text())
    resources = template["Resources"]
    kinds = {kind: {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind} for kind in (FILTERS, ALARMS, QUERIES)}
    for name in [*kinds[QUERIES], UNPLAYED]:
        del resources[name]
    body = resources["Dashboard"]["Properties"]["DashboardBody"]
    kept = body["Fn::Sub"].replace(f', "${{{UNPLAYED}.Arn}}"', "")
    assert kept != body["Fn::Sub"], "the dashboard shows the alarm at the end of its list"
    body["Fn::Sub"] = kept
    file = BUILT.with_name("observed.yaml")
    file.write_text(yaml.safe_dump(json.loads(json.dumps(template))))
    return file, kinds


def deployed(check, cloud, provider):
    template, kinds = playable()
    check("the template has what is asked for", [len(kind) for kind in kinds.values()] == [10, 10, 6], {kind: list(names) for kind, names in kinds.items()})
    print(f"skip ... {', '.join(kinds[QUERIES])}: the local AWS has no saved queries in a stack")
    print(f"skip ... {UNPLAYED}: the local AWS has no metric math in a stack")
    given = {"Issuer": provider.issuer, "Audience": stories.AUDIENCE, "SampleApi": "false"}
    topic = cloud.client("sns").create_topic(Name="on-call")["TopicArn"]

    blind = refused(cloud, template, LogLevel="WARN", Observability="true", **given)
    check("no metrics of a log that leaves refusals out", "LogLevel of INFO" in blind, blind)

    stack = cloud.deploy("observed", template, Observability="true", AlarmTopicArn=topic, **given)
    function = cloud.functions.get_function_configuration(FunctionName=stack.function)
    group = function["LoggingConfig"]
    check("the function's log is JSON", group["LogFormat"] == "JSON", group)
    filters = cloud.client("logs").describe_metric_filters(logGroupName=group["LogGroup"])["metricFilters"]
    seen = {(f["filterPattern"], f["metricTransformations"][0]["metricName"]) for f in filters}
    expected = {(f["FilterPattern"], f["MetricTransformations"][0]["MetricName"]) for f in kinds[FILTERS].values()}
    check("each metric filter is on the function's log, with its pattern", len(filters) == 10 and seen == expected, seen)
    namespaces = {f["metricTransformations"][0]["metricNamespace"] for f in filters}
    check("... in a namespace of the stack's own", namespaces == {"JwtAuthorizer/observed"}, namespaces)
    dimensions = {f["metricTransformations"][0]["metricName"]: f["metricTransformations"][0].get("dimensions") for f in filters}
    told = {name: value for name, value in dimensions.items() if value}
    check("... with these dimensions", told == {"RefusalsByReason": {"Reason": "$.reason"}, "Hints": {"Hint": "$.hint"}, "Errors": {"ErrorType": "$.error_type"}}, told)
    alarmed(check, cloud, topic, function["FunctionName"])
    shown(check, cloud)

    cloud.deploy("observed", template, Observability="true", AlarmTopicArn="", **given)
    actions = [alarm["AlarmActions"] + alarm["OKActions"] for alarm in alarms(cloud)]
    check("without a topic the alarms tell nobody", len(actions) == 9 and not any(actions), actions)


def refused(cloud, template, **parameters):
    """What is said of a stack that is refused."""
    try:
        cloud.deploy("unobserved", template, **parameters)
    except SystemExit as error:
        return str(error)
    return "it is deployed"


def alarms(cloud):
    return cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="observed-")["MetricAlarms"]


def alarmed(check, cloud, topic, function):
    """Each alarm names the topic, and tells it of a value that is put where its filter puts one."""
    queue = cloud.client("sqs").create_queue(QueueName="on-call")["QueueUrl"]
    arn = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    found = alarms(cloud)
    names = {alarm["AlarmName"].removeprefix("observed-") for alarm in found}
    wanted = {"faults", "start-failures", "keys-unavailable", "introspection-unavailable", "malformed-events", "broken-promises", "stale-keys", "failed-fetches", "throttles"}
    check("the alarms", names == wanted, names)
    check("... tell the topic when they ring and when it is over", all(a["AlarmActions"] == a["OKActions"] == [topic] for a in found), found)
    throttles = next((alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) for alarm in found if alarm["AlarmName"] == "observed-throttles")
    check("... one of them on Lambda's throttles of the function", throttles == ("AWS/Lambda", "Throttles", [{"Name": "FunctionName", "Value": function}]), throttles)
    check("... and take no line for good news", {a["TreatMissingData"] for a in found} == {"notBreaching"}, found)
    for alarm in found:
        datum = {"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Value": alarm["Threshold"], "Unit": "None"}
        cloud.client("cloudwatch").put_metric_data(Namespace=alarm["Namespace"], MetricData=[datum])
    heard, end = set(), time.monotonic() + 60
    while heard != wanted and time.monotonic() < end:
        for message in cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            told = json.loads(json.loads(message["Body"])["Message"])
            heard.add(told["AlarmName"].removeprefix("observed-"))
            cloud.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        alarms(cloud)
    check("the topic hears of each", heard == wanted, heard)


def shown(check, cloud):
    body = cloud.client("cloudwatch").get_dashboard(DashboardName="observed-authorizer")["DashboardBody"]
    widgets = json.loads(body)["widgets"]
    check("the dashboard is JSON and all of its names are filled in", len(widgets) == 7 and "${" not in body, body)
    listed = widgets[0]["properties"]["alarms"]
    check("... and lists the alarms", set(listed) == {alarm["AlarmArn"] for alarm in alarms(cloud)}, listed)
