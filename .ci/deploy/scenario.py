"""Terraform itself, over the life of a secret: made, given its first value, scheduled, rotated, planned again.

usage: scenario.py STAND_IN CONFIGURATION   (the environment already names the stand-in for the AWS provider)
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from world import ACCOUNT, REGION, World

SENTINEL = "FIRST-VALUE-SENTINEL"
SUPERUSER = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:crm/master-AbCdEf"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:crm/app-AbCdEf"
CONTROL = f"""
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
resource "aws_secretsmanager_secret_version" "managed" {{
  secret_id     = "{SECRET}-control"
  secret_string = "{SENTINEL}"
}}
"""


class Root:
    def __init__(self, folder, **variables):
        self.folder = folder
        self.variables = variables

    def run(self, *arguments, expect=0, **variables):
        environment = dict(os.environ, TF_IN_AUTOMATION="1")
        for name, value in {**self.variables, **variables}.items():
            environment[f"TF_VAR_{name}"] = value if isinstance(value, str) else json.dumps(value)
        command = ["terraform", *arguments, "-no-color"]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)
        text = done.stdout + done.stderr
        if done.returncode != expect:
            raise SystemExit(f"{' '.join(command)} in {self.folder.name} ended with {done.returncode}, not {expect}:\n{text}")
        return text

    def apply(self, **variables):
        return self.run("apply", "-auto-approve", "-input=false", **variables)

    def plan(self, expect, **variables):
        """0: nothing to do. 2: there is something. 1: refused."""
        return self.run("plan", "-detailed-exitcode", "-input=false", "-out=plan.bin", expect=expect, **variables)

    def written(self):
        files = [file for file in self.folder.rglob("*") if file.is_file() and file.suffix != ".tf"]
        return b"".join(file.read_bytes() for file in files)


def check(what, holds, detail=""):
    if not holds:
        raise SystemExit(f"NOT SO: {what} {detail}")
    print(f"  {what}")


def comes_before_the_schedule(world, name, subject=None):
    made = [(name, subject) for change, name, subject in world.load()["made"] if change == "create"]
    last = max(i for i, made in enumerate(made) if made[0] == name and subject in (None, made[1]))
    return last < min(i for i, made in enumerate(made) if made[0] == "aws_secretsmanager_secret_rotation")


def postgres(folder, package):
    network = {
        "eu-west-1": {"vpc_id": "vpc-1", "subnet_ids": ["subnet-1", "subnet-2"], "clients": ["sg-app"]},
        "eu-central-1": {"vpc_id": "vpc-2", "subnet_ids": ["subnet-3"], "clients": ["sg-app-2"]},
    }
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
    return Root(
        folder,
        package=str(package),
        superuser_secret={"arn": SUPERUSER, "kms_key_arn": key + "superuser"},
        kms_key_arns={"eu-west-1": key + "primary", "eu-central-1": key + "replica"},
        network=network,
        database_security_group_id="sg-db",
        permissions_boundary_arn=f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    )


def life(work, world, package):
    root = postgres(work / "postgres", package)
    first = Root(work / "first-value", secret_arn=SECRET)

    root.run("get")
    root.apply()
    made = {name for _, name, _ in world.load()["made"]}
    check("the first apply makes no schedule", "aws_secretsmanager_secret_rotation" not in made)
    check("Terraform manages no version of the secret", "aws_secretsmanager_secret_version" not in made)
    root.plan(expect=0)
    check("a second plan has nothing to do", True)

    first.plan(expect=2, value=SENTINEL)
    first.apply(value=SENTINEL)
    check("first-value stores the value", world.current(SECRET) == SENTINEL)
    check("the value is in no state, backup or plan", SENTINEL.encode() not in first.written())
    refused = first.plan(expect=1, value=SENTINEL)
    check("first-value refuses a secret that has a value", "has a value already" in refused, refused)

    root.apply(rotate="true")
    for number in range(3):
        world.rotate(SECRET, f"rotated-{number}")
    world.purge(SECRET)
    root.plan(expect=0, rotate="true")
    root.apply(rotate="true")
    check("after rotations, and the purge of old versions, a plan has nothing to do", True)
    check("and an apply leaves AWSCURRENT where the rotation put it", world.current(SECRET) == "rotated-2")
    root.apply(rotate="true", superuser_secret={"arn": SUPERUSER})
    check("nor does a change of something else", world.current(SECRET) == "rotated-2")
    refused = first.plan(expect=1, value=SENTINEL)
    check("first-value refuses then, too, when its own version is gone", "has a value already" in refused, refused)


def all_at_once(work, world, package):
    """A schedule from the start, so that the order is seen within one apply."""
    world.clear()
    shutil.copytree(work / "postgres", work / "at-once", ignore=shutil.ignore_patterns("*.tfstate*", "plan.bin"))
    postgres(work / "at-once", package).apply(rotate="true")
    for name, subject in [
        ("aws_lambda_permission", None),
        ("aws_iam_role_policy", "rotate"),
        ("aws_vpc_endpoint", None),
        ("aws_vpc_security_group_ingress_rule", None),
        ("aws_vpc_security_group_egress_rule", None),
    ]:
        check(f"{name} exists before the schedule does", comes_before_the_schedule(world, name, subject))

    made = {name for _, name, _ in world.load()["made"]}
    check("a trail is made where it is asked for", "aws_cloudtrail" in made)
    rotate = world.load()["policies"]["rotate"]
    granted = {action.partition(":")[0] for statement in rotate for action in statement["Action"]}
    check("with a VPC and keys the role has rights for them", granted == {"secretsmanager", "kms", "logs", "ec2"}, granted)
    for statement in rotate:
        condition = statement.get("Condition", {})
        context = condition.get("StringEquals", {}).get("kms:EncryptionContext:SecretARN")
        if "kms:Encrypt" in statement["Action"]:
            context = condition["StringLike"]["kms:EncryptionContext:SecretARN"]
            of_each_region = SECRET.replace(f":{REGION}:", ":*:")
            keys = statement["Resource"]
            check("EncryptForTheReplicas is for this secret in any Region", context == [of_each_region], statement)
            check("and for the replica's key alone", [key.rpartition("/")[2] for key in keys] == ["replica"], statement)
        elif {"kms:Decrypt", "kms:GenerateDataKey"} & set(statement["Action"]):
            check(f"{statement['Sid']} is for one secret", context in ([SECRET], [SUPERUSER]), statement)

    world.clear()
    admin = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:vendor/admin-AbCdEf"
    Root(work / "api-key", package=str(package), admin_secret_arn=admin, rotate="true").apply()
    made = {name for _, name, _ in world.load()["made"]}
    check("without a VPC there is neither security group nor endpoint", not made & {"aws_security_group", "aws_vpc_endpoint"})
    check("and no trail where none is asked for", "aws_cloudtrail" not in made)
    granted = {action.partition(":")[0] for statement in world.load()["policies"]["rotate"] for action in statement["Action"]}
    check("and the role has no rights but for the two secrets and the log", granted == {"secretsmanager", "logs"}, granted)


def control(work, world):
    """What the module does not do: the check of "nothing to do" must be able to fail."""
    folder = work / "control"
    folder.mkdir()
    (folder / "main.tf").write_text(CONTROL)
    root, secret = Root(folder), f"{SECRET}-control"
    root.apply()
    check("control: a managed version has its value in the state", SENTINEL.encode() in root.written())
    for number in range(3):
        world.rotate(secret, f"rotated-{number}")
    root.plan(expect=0)
    world.purge(secret)
    root.plan(expect=2)
    root.apply()
    check("control: once it is purged, the next apply undoes all rotations", world.current(secret) == SENTINEL)


def main():
    stand_in, configuration = Path(sys.argv[1]), Path(sys.argv[2])
    world = World(stand_in / "world.json")
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        package = work / "bootstrap.zip"
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("bootstrap", "not a program")
        shutil.copytree(configuration, work / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        work = work / "terraform"
        for root in ["api-key", "postgres", "first-value"]:
            Root(work / root).run("get")
            Root(work / root).run("validate")
            check(f"{root} is valid", True)
        for module in ["modules/rotation", "modules/alarms"]:
            text = Root(work / module).run("test")
            check(f"{module}: {text.strip().splitlines()[-1]}", "0 failed" in text and "Success" in text, text)
        life(work, world, package)
        all_at_once(work, world, package)
        control(work, world)


if __name__ == "__main__":
    main()
