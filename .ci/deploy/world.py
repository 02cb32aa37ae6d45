"""What exists, as far as the stand-in for the AWS provider plays it, in a JSON file that outlives a run of Terraform."""

import json
import uuid

ACCOUNT = "111122223333"
REGION = "eu-west-1"


class World:
    def __init__(self, path):
        self.path = path
        if not path.exists():
            self.clear()

    def clear(self):
        self.save({"made": [], "policies": {}, "versions": {}})

    def load(self):
        return json.loads(self.path.read_text())

    def save(self, world):
        self.path.write_text(json.dumps(world, indent=1))

    # -- what Terraform does

    def apply(self, name, prior, planned, config):
        world = self.load()
        change = "delete" if planned is None else "create" if prior is None else "update"
        subject = (planned or prior).get("name") or (planned or prior).get("id")
        if name == "aws_secretsmanager_secret_version" and change == "create":
            value = config.get("secret_string_wo") or config.get("secret_string")
            if not value:
                raise ValueError("You must provide either SecretString or SecretBinary.")
            self._put(world, planned["secret_id"], planned["version_id"], value)
        if name == "aws_iam_role_policy" and planned is not None:
            world["policies"][planned["name"]] = json.loads(planned["policy"])["Statement"]
        world["made"].append([change, name, subject])
        self.save(world)

    def exists(self, name, state):
        if name != "aws_secretsmanager_secret_version":
            return True
        versions = self.load()["versions"].get(state["secret_id"], [])
        return any(version["id"] == state["version_id"] for version in versions)

    def read_data(self, name, config):
        match name:
            case "aws_caller_identity":
                return {"account_id": ACCOUNT}
            case "aws_partition":
                return {"partition": "aws"}
            case "aws_region":
                return {"region": config.get("region") or REGION}
            case "aws_secretsmanager_secret_versions":
                versions = self.load()["versions"].get(config["secret_id"], [])
                shown = [
                    {"version_id": v["id"], "version_stages": v["stages"], "created_time": None, "last_accessed_date": None}
                    for v in versions
                ]
                return {"versions": shown}
            case "aws_iam_policy_document":
                return {"json": json.dumps({"Version": "2012-10-17", "Statement": list(map(statement, config["statement"]))})}
        raise ValueError(f"{name} is not played")

    @staticmethod
    def _put(world, secret, version, value):
        versions = world["versions"].setdefault(secret, [])
        for other in versions:
            if "AWSCURRENT" in other["stages"]:
                other["stages"] = ["AWSPREVIOUS"]
            elif "AWSPREVIOUS" in other["stages"]:
                other["stages"] = []
        versions.append({"id": version, "value": value, "stages": ["AWSCURRENT"]})

    # -- what happens without Terraform

    def rotate(self, secret, value):
        world = self.load()
        self._put(world, secret, str(uuid.uuid4()), value)
        self.save(world)

    def purge(self, secret):
        """Secrets Manager forgets the versions that have no label, once there are many."""
        world = self.load()
        world["versions"][secret] = [version for version in world["versions"][secret] if version["stages"]]
        self.save(world)

    def current(self, secret):
        versions = self.load()["versions"].get(secret, [])
        return next((version["value"] for version in versions if "AWSCURRENT" in version["stages"]), None)


def statement(block):
    made = {"Effect": block["effect"] or "Allow", "Action": sorted(block["actions"] or [])}
    if block["sid"]:
        made["Sid"] = block["sid"]
    if block["resources"]:
        made["Resource"] = sorted(block["resources"])
    for principal in block["principals"]:
        made.setdefault("Principal", {})[principal["type"]] = sorted(principal["identifiers"])
    for condition in block["condition"]:
        made.setdefault("Condition", {}).setdefault(condition["test"], {})[condition["variable"]] = condition["values"]
    return made
