"""The state machine that writes how long ago a secret was rotated, run on answers of DescribeSecret.

usage: age.py STATE_MACHINE
"""

import json
import sys

from jsonata import Jsonata

SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/app-AbCdEf"
NOW = "2026-11-25T03:00:00.000Z"
# What DescribeSecret says, and the hours that it comes to. LastRotatedDate is absent until a first rotation, and while
# rotation is off.
ROWS = [
    ({"CreatedDate": "2026-01-01T00:00:00Z", "LastRotatedDate": "2026-11-25T02:00:00Z"}, 1),
    ({"CreatedDate": "2026-01-01T00:00:00Z", "LastRotatedDate": "2026-10-26T03:00:00.000Z"}, 720),
    ({"CreatedDate": "2026-11-24T02:30:00Z"}, 24.5),
]


def evaluate(value, states):
    if isinstance(value, dict):
        return {name: evaluate(field, states) for name, field in value.items()}
    if isinstance(value, list):
        return [evaluate(item, states) for item in value]
    if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        expression = Jsonata(value[2:-2].strip())
        expression.assign("states", states)
        return expression.evaluate(None)
    return value


def run(machine, described):
    """The arguments of the last task, with this answer to the first."""
    context = {"Execution": {"StartTime": NOW}}
    flow, name = {"secret": SECRET}, machine["StartAt"]
    while True:
        state = machine["States"][name]
        arguments = evaluate(state["Arguments"], {"input": flow, "context": context})
        if "Next" not in state:
            return arguments
        assert arguments == {"SecretId": SECRET}, arguments
        flow = evaluate(state["Output"], {"input": flow, "result": described, "context": context})
        name = state["Next"]


def main():
    with open(sys.argv[1]) as file:
        machine = json.load(file)
    for described, hours in ROWS:
        [datum] = run(machine, described)["MetricData"]
        wanted = {"MetricName": "hours_since_rotation", "Dimensions": [{"Name": "secret", "Value": SECRET}], "Value": hours}
        if datum != wanted:
            raise SystemExit(f"NOT SO: {described} is {hours} hours: {datum}")
        print(f"  {hours} hours: {', '.join(described)}")


if __name__ == "__main__":
    main()
