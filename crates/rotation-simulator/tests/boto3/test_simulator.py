"""Drives the simulator's server with boto3, a client that knows nothing of this project: what AWS's
documentation promises must hold through it.

Run by .ci/boto3, with the path of the simulator's binary in SIMULATOR.
"""

import json
import os
import queue
import re
import subprocess
import threading
import time
import unittest
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

FUNCTION_ARN = "arn:aws:lambda:eu-west-1:111122223333:function:rotator"


class FunctionHost:
    """A rotation function behind an invoke URL, as `cargo lambda watch` serves one."""

    def __init__(self):
        self.function = None
        self.events = []
        host = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["content-length"])))
                host.events.append((self.path, event))
                headers = {}
                try:
                    body = host.function(event)
                except Exception as error:  # a function error is an answer of the invoke API
                    headers["X-Amz-Function-Error"] = "Unhandled"
                    body = {"errorType": type(error).__name__, "errorMessage": str(error)}
                payload = json.dumps(body).encode()
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        port = self.server.server_port
        self.url = f"http://127.0.0.1:{port}/2015-03-31/functions/{{function}}/invocations"


class Simulator:
    """The binary, as a user starts it."""

    def __init__(self, *arguments):
        command = [os.environ["SIMULATOR"], "--address", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        found = queue.Queue()
        threading.Thread(target=self.read, args=(found,), daemon=True).start()
        self.url = found.get(timeout=30)

    def read(self, found):
        for line in self.process.stdout:
            self.lines.append(line)
            url = re.search(r"http://127\.0\.0\.1:\d+(?![\d/])", line)
            if url:
                found.put(url.group())

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def client(url, access_key="AKIAOPERATOR"):
    return boto3.client(
        "secretsmanager",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=access_key,
        aws_secret_access_key="of-no-use",
        config=Config(retries={"total_max_attempts": 1}),
    )


class WithSimulator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = FunctionHost()
        cls.simulator = Simulator(
            "--invoke-url", cls.host.url, "--function-access-key", "AKIAFUNCTION", "--replay-after", "1"
        )
        cls.operator = client(cls.simulator.url)
        cls.function = client(cls.simulator.url, "AKIAFUNCTION")

    @classmethod
    def tearDownClass(cls):
        cls.simulator.stop()
        cls.host.server.shutdown()
        cls.host.server.server_close()

    def setUp(self):
        self.name = f"crm/{uuid.uuid4()}"
        self.host.events.clear()

    def create(self, value="first", **more):
        return self.operator.create_secret(Name=self.name, SecretString=value, **more)

    def stages(self):
        return self.operator.describe_secret(SecretId=self.name)["VersionIdsToStages"]

    def refused(self, code, call, **parameters):
        with self.assertRaises(ClientError) as raised:
            call(**parameters)
        error = raised.exception.response
        self.assertEqual(error["Error"]["Code"], code, error)
        self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertTrue(error["Error"]["Message"])
        self.assertTrue(error["ResponseMetadata"]["RequestId"])
        return error["Error"]["Message"]

    def wait_for(self, what, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.05)
        self.fail(f"{what}; the simulator said:\n{''.join(self.simulator.lines[-30:])}")


class Values(WithSimulator):
    def test_a_secret_is_created_with_tags_and_read_back(self):
        tags = [{"Key": "team", "Value": "sales"}]
        made = self.create("first", Description="of the CRM", Tags=tags)
        self.assertRegex(made["ARN"], rf"^arn:aws:secretsmanager:eu-west-1:\d{{12}}:secret:{self.name}-\w{{6}}$")
        for secret_id in (made["ARN"], self.name):
            read = self.operator.get_secret_value(SecretId=secret_id)
            self.assertEqual((read["SecretString"], read["VersionId"]), ("first", made["VersionId"]))
            self.assertEqual(read["VersionStages"], ["AWSCURRENT"])
            self.assertLess(abs(read["CreatedDate"].timestamp() - time.time()), 600)
        described = self.operator.describe_secret(SecretId=self.name)
        self.assertEqual((described["Description"], described["Tags"]), ("of the CRM", tags))
        self.assertNotIn("RotationEnabled", described, "absent until rotation is set up")

    def test_a_name_is_taken_once(self):
        token = str(uuid.uuid4())
        first = self.create(ClientRequestToken=token)
        self.assertEqual(self.create(ClientRequestToken=token)["ARN"], first["ARN"], "the same request again")
        self.refused("ResourceExistsException", self.operator.create_secret, Name=self.name, SecretString="other")

    def test_binary_values_stay_binary(self):
        self.operator.create_secret(Name=self.name, SecretBinary=b"\x00\xff")
        read = self.operator.get_secret_value(SecretId=self.name)
        self.assertEqual(read["SecretBinary"], b"\x00\xff")
        self.assertNotIn("SecretString", read)

    def test_a_put_moves_current_and_previous(self):
        first = self.create()["VersionId"]
        put = self.operator.put_secret_value(SecretId=self.name, SecretString="second")
        self.assertEqual(put["VersionStages"], ["AWSCURRENT"])
        self.assertEqual(self.stages(), {first: ["AWSPREVIOUS"], put["VersionId"]: ["AWSCURRENT"]})
        previous = self.operator.get_secret_value(SecretId=self.name, VersionStage="AWSPREVIOUS")
        self.assertEqual(previous["SecretString"], "first")

    def test_a_token_means_one_value(self):
        self.create()
        token = str(uuid.uuid4())
        put = {"SecretId": self.name, "ClientRequestToken": token, "VersionStages": ["mine"]}
        for _ in range(2):
            answer = self.operator.put_secret_value(SecretString="second", **put)
            self.assertEqual(answer["VersionId"], token)
        self.refused("ResourceExistsException", self.operator.put_secret_value, SecretString="third", **put)

    def test_update_secret_changes_description_and_value(self):
        first = self.create()["VersionId"]
        self.operator.update_secret(SecretId=self.name, Description="new")
        self.assertEqual(self.stages(), {first: ["AWSCURRENT"]}, "no value, no version")
        second = self.operator.update_secret(SecretId=self.name, SecretString="second")["VersionId"]
        self.assertEqual(self.stages(), {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]})
        self.assertEqual(self.operator.describe_secret(SecretId=self.name)["Description"], "new")

    def test_what_is_not_there_and_what_does_not_fit(self):
        self.refused("ResourceNotFoundException", self.operator.get_secret_value, SecretId="no-such")
        self.refused("ResourceNotFoundException", self.operator.describe_secret, SecretId="no-such")
        first = self.create()["VersionId"]
        read = self.operator.get_secret_value
        self.refused("ResourceNotFoundException", read, SecretId=self.name, VersionStage="AWSPENDING")
        mismatch = self.refused(
            "InvalidRequestException", read, SecretId=self.name, VersionId=first, VersionStage="AWSPENDING"
        )
        self.assertIn("VersionStage that is not associated", mismatch)

    def test_deprecated_versions_are_listed_when_asked_for(self):
        versions = [self.create()["VersionId"]]
        for value in ("second", "third"):
            versions.append(self.operator.put_secret_value(SecretId=self.name, SecretString=value)["VersionId"])
        listed = self.operator.list_secret_version_ids(SecretId=self.name)["Versions"]
        self.assertEqual({version["VersionId"] for version in listed}, set(versions[1:]))
        everything = self.operator.list_secret_version_ids(SecretId=self.name, IncludeDeprecated=True)["Versions"]
        self.assertEqual({version["VersionId"] for version in everything}, set(versions))

    def test_secrets_are_listed_by_pages_and_filters(self):
        prefix = f"list-{uuid.uuid4()}"
        names = [f"{prefix}/{number}" for number in range(3)]
        for name in names:
            self.operator.create_secret(Name=name, SecretString="v")
        filters = [{"Key": "name", "Values": [prefix]}]
        pages = self.operator.get_paginator("list_secrets").paginate(Filters=filters, MaxResults=2)
        self.assertEqual(sorted(s["Name"] for page in pages for s in page["SecretList"]), names)

    def test_random_passwords(self):
        word = self.operator.get_random_password(PasswordLength=40, ExcludePunctuation=True)["RandomPassword"]
        self.assertRegex(word, r"^[A-Za-z0-9]{40}$")
        self.assertEqual(len(self.operator.get_random_password()["RandomPassword"]), 32)
        self.refused("ValidationException", self.operator.get_random_password, PasswordLength=5000)

    def test_an_action_that_is_not_modelled_says_so(self):
        self.create()
        with self.assertRaises(ClientError) as raised:
            self.operator.delete_secret(SecretId=self.name)
        self.assertIn("DeleteSecret", raised.exception.response["Error"]["Message"])


class Labels(WithSimulator):
    def test_labels_move_by_compare_and_swap(self):
        first = self.create()["VersionId"]
        put = self.operator.put_secret_value(SecretId=self.name, SecretString="second", VersionStages=["next"])
        second = put["VersionId"]
        move = {"SecretId": self.name, "VersionStage": "AWSCURRENT", "MoveToVersionId": second}
        update = self.operator.update_secret_version_stage
        self.refused("InvalidParameterException", update, **move)
        self.refused("InvalidParameterException", update, RemoveFromVersionId=second, **move)
        self.assertEqual(self.stages(), {first: ["AWSCURRENT"], second: ["next"]})
        update(RemoveFromVersionId=first, **move)
        stages = {version: sorted(labels) for version, labels in self.stages().items()}
        self.assertEqual(stages, {first: ["AWSPREVIOUS"], second: ["AWSCURRENT", "next"]})
        update(SecretId=self.name, VersionStage="next", RemoveFromVersionId=second)
        self.assertEqual(self.stages()[second], ["AWSCURRENT"])

    def test_current_cannot_be_taken_off(self):
        first = self.create()["VersionId"]
        off = {"SecretId": self.name, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": first}
        self.refused("InvalidParameterException", self.operator.update_secret_version_stage, **off)

    def test_replicas(self):
        self.create()
        regions = [{"Region": "us-east-1"}]
        answer = self.operator.replicate_secret_to_regions(SecretId=self.name, AddReplicaRegions=regions)
        self.assertEqual([status["Region"] for status in answer["ReplicationStatus"]], ["us-east-1"])
        described = self.operator.describe_secret(SecretId=self.name)
        self.assertEqual(described["PrimaryRegion"], "eu-west-1")
        self.assertEqual(described["ReplicationStatus"][0]["Region"], "us-east-1")


class Rotation(WithSimulator):
    def generic_template(self, event):
        """What AWS's generic rotation template does, over boto3."""
        arn, token = event["SecretId"], event["ClientRequestToken"]
        versions = self.function.describe_secret(SecretId=arn)["VersionIdsToStages"]
        self.assertIn("AWSPENDING", versions[token])
        pending = {"SecretId": arn, "VersionId": token, "VersionStage": "AWSPENDING"}
        if event["Step"] == "createSecret":
            self.function.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
            try:
                self.function.get_secret_value(**pending)
            except self.function.exceptions.ResourceNotFoundException:
                self.function.put_secret_value(
                    SecretId=arn,
                    ClientRequestToken=token,
                    SecretString=f"value of {token}",
                    VersionStages=["AWSPENDING"],
                    RotationToken=event["RotationToken"],
                )
        elif event["Step"] == "finishSecret":
            current = next(version for version, labels in versions.items() if "AWSCURRENT" in labels)
            self.function.update_secret_version_stage(
                SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
            )
        else:
            self.function.get_secret_value(**pending)

    def rotate(self, **more):
        return self.operator.rotate_secret(SecretId=self.name, RotationLambdaARN=FUNCTION_ARN, **more)["VersionId"]

    def records(self, name):
        with urllib.request.urlopen(f"{self.simulator.url}/_simulator/events") as reply:
            records = json.load(reply)["Records"]
        arn = self.operator.describe_secret(SecretId=self.name)["ARN"]
        return [r for r in records if r["additionalEventData"]["SecretId"] == arn and r["eventName"] == name]

    def test_rotate_secret_invokes_the_function_four_times(self):
        first = self.create()
        self.host.function = self.generic_template
        token = self.rotate(RotationRules={"AutomaticallyAfterDays": 30})
        self.wait_for("the rotation did not succeed", lambda: self.stages().get(token) == ["AWSCURRENT"])
        self.assertEqual(self.stages()[first["VersionId"]], ["AWSPREVIOUS"])
        value = self.operator.get_secret_value(SecretId=self.name)
        self.assertEqual(value["SecretString"], f"value of {token}")
        steps = [event["Step"] for _, event in self.host.events]
        self.assertEqual(steps, ["createSecret", "setSecret", "testSecret", "finishSecret"])
        for path, event in self.host.events:
            self.assertEqual(path, "/2015-03-31/functions/rotator/invocations")
            self.assertEqual((event["SecretId"], event["ClientRequestToken"]), (first["ARN"], token))
            self.assertRegex(event["RotationToken"], r"^[a-zA-Z0-9-]{36,256}$")
        described = self.operator.describe_secret(SecretId=self.name)
        self.assertTrue(described["RotationEnabled"])
        self.assertEqual(described["RotationLambdaARN"], FUNCTION_ARN)
        self.assertEqual(described["RotationRules"], {"AutomaticallyAfterDays": 30})
        self.assertIn("LastRotatedDate", described)
        [record] = self.records("RotationSucceeded")
        self.assertEqual(record["eventType"], "AwsServiceEvent")
        self.assertEqual(record["requestID"], f"Rotation-{first['ARN']}-{token}")

    def test_a_failed_step_is_replayed_from_the_start_with_the_same_token(self):
        self.create()
        failures = iter([RuntimeError("the target is down")])

        def function(event):
            if event["Step"] == "testSecret":
                for failure in failures:
                    raise failure
            return self.generic_template(event)

        self.host.function = function
        token = self.rotate()
        self.wait_for("the step did not fail", lambda: self.records("RotationFailed"))
        self.assertEqual(self.stages()[token], ["AWSPENDING"])
        other = {"SecretId": self.name, "ClientRequestToken": str(uuid.uuid4())}
        message = self.refused("InvalidRequestException", self.operator.rotate_secret, **other)
        self.assertIn("A previous rotation isn't complete", message)
        self.wait_for("the replay did not succeed", lambda: self.stages().get(token) == ["AWSCURRENT"])
        steps = [event["Step"] for _, event in self.host.events]
        replay = ["createSecret", "setSecret", "testSecret", "finishSecret"]
        self.assertEqual(steps, ["createSecret", "setSecret", "testSecret", *replay])
        self.assertIn("during testSecret step", self.records("RotationFailed")[0]["errorMessage"])

    def test_a_dry_run_tests_a_copy_of_current(self):
        first = self.create()
        seen = []

        def function(event):
            pending = self.function.get_secret_value(
                SecretId=event["SecretId"], VersionId=event["ClientRequestToken"], VersionStage="AWSPENDING"
            )
            seen.append((event["Step"], pending["SecretString"]))

        self.host.function = function
        self.rotate(RotateImmediately=False)
        self.wait_for("the dry run did not succeed", lambda: self.records("TestRotationSucceeded"))
        self.assertEqual(seen, [("testSecret", "first")])
        self.assertEqual(self.stages(), {first["VersionId"]: ["AWSCURRENT"]})

    def test_a_write_by_somebody_else_abandons_the_rotation(self):
        self.create()
        release = threading.Event()

        def function(event):
            release.wait(30)
            return self.generic_template(event)

        self.host.function = function
        token = self.rotate()
        self.wait_for("the function was not invoked", lambda: self.host.events)
        put = self.operator.put_secret_value(SecretId=self.name, SecretString="by hand")
        release.set()
        self.wait_for("no RotationAbandoned", lambda: self.records("RotationAbandoned"))
        self.assertNotIn("AWSPENDING", [label for labels in self.stages().values() for label in labels])
        self.assertEqual(self.stages()[put["VersionId"]], ["AWSCURRENT"])
        self.assertNotIn(token, self.stages())

    def test_cancel_turns_rotation_off_and_names_what_is_left(self):
        self.create()

        def function(event):
            raise RuntimeError("no")

        self.host.function = function
        token = self.rotate()
        self.wait_for("the step did not fail", lambda: self.records("RotationFailed"))
        self.assertEqual(self.operator.cancel_rotate_secret(SecretId=self.name)["VersionId"], token)
        self.assertFalse(self.operator.describe_secret(SecretId=self.name)["RotationEnabled"])
        self.assertEqual(self.stages()[token], ["AWSPENDING"])

    def test_rotation_needs_a_function(self):
        self.create()
        self.refused("InvalidRequestException", self.operator.rotate_secret, SecretId=self.name)

    def test_nothing_secret_was_printed(self):
        self.create("sentinel-value")
        self.host.function = self.generic_template
        token = self.rotate()
        self.wait_for("the rotation did not succeed", lambda: self.stages().get(token) == ["AWSCURRENT"])
        printed = "".join(self.simulator.lines)
        self.assertIn("AWSCURRENT", printed, "the labels' moves are logged")
        for secret in ["sentinel-value", "value of", self.host.events[0][1]["RotationToken"]]:
            self.assertNotIn(secret, printed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
