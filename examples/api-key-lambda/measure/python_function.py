"""What api-key-rotator does, as a team would write it in Python after AWS's templates: the peer that
measure.py runs beside it. Runs under awslambdaric; needs boto3 and nothing else (urllib3 is boto3's).
"""

import json
import os
import time

import boto3
import urllib3

ADMIN = {"X-Admin-Token": os.environ["ADMIN_TOKEN"]}
secrets = boto3.client("secretsmanager")
http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=10))


def handler(event, _context):
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    described = secrets.describe_secret(SecretId=arn)
    versions = described["VersionIdsToStages"]
    if not described.get("RotationEnabled"):
        raise ValueError(f"Secret {arn} is not enabled for rotation")
    if token not in versions:
        raise ValueError(f"Secret version {token} has no stage for rotation of secret {arn}.")
    if "AWSCURRENT" in versions[token]:
        return
    if "AWSPENDING" not in versions[token]:
        raise ValueError(f"Secret version {token} not set as AWSPENDING for rotation of secret {arn}.")
    STEPS[step](arn, token, versions, event.get("RotationToken"))


def read(arn, **version):
    return json.loads(secrets.get_secret_value(SecretId=arn, **version)["SecretString"])


def pending_value(arn, token):
    return read(arn, VersionId=token, VersionStage="AWSPENDING")


def request(method, secret, path, headers, body=None):
    reply = http.request(method, secret["api_endpoint"] + path, headers=headers, body=body)
    if reply.status >= 300:
        raise RuntimeError(f"{method} {path}: status {reply.status}")
    return json.loads(reply.data) if reply.data else None


def create(arn, token, versions, rotation_token):
    current = read(arn, VersionStage="AWSCURRENT")
    try:
        pending_value(arn, token)
        return
    except secrets.exceptions.ResourceNotFoundException:
        pass
    previous = None
    if any("AWSPREVIOUS" in stages for stages in versions.values()):
        previous = read(arn, VersionStage="AWSPREVIOUS")
    labelled = {document.get("key_id") for document in (current, previous or {})}
    if previous and previous.get("key_id"):
        verify(current)
        request("DELETE", current, f"/api-keys/{previous['key_id']}", ADMIN)
    label = f"rotation-{token}"
    for key in request("GET", current, "/api-keys", ADMIN)["keys"]:
        if key["label"].startswith("rotation-") and key["id"] not in labelled:
            request("DELETE", current, f"/api-keys/{key['id']}", ADMIN)
    body = json.dumps({"account_id": current["account_id"], "label": label})
    made = request("POST", current, "/api-keys", ADMIN | {"content-type": "application/json"}, body)
    value = json.dumps(current | {"api_key": made["key"], "key_id": made["id"]})
    proof = {"RotationToken": rotation_token} if rotation_token else {}
    secrets.put_secret_value(
        SecretId=arn, ClientRequestToken=token, SecretString=value, VersionStages=["AWSPENDING"], **proof
    )


def verify(document):
    bearer = {"Authorization": f"Bearer {document['api_key']}"}
    for pause in (0.1, 0.5, 2, None):
        try:
            return request("GET", document, "/health", bearer)
        except RuntimeError:
            if pause is None:
                raise
            time.sleep(pause)


def set_(arn, token, _versions, _rotation_token):
    pending_value(arn, token)


def test(arn, token, _versions, _rotation_token):
    verify(pending_value(arn, token))


def finish(arn, token, versions, _rotation_token):
    current = next(version for version, stages in versions.items() if "AWSCURRENT" in stages)
    secrets.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
    )


STEPS = {"createSecret": create, "setSecret": set_, "testSecret": test, "finishSecret": finish}
