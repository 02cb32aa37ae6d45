"""A stand-in for Terraform's AWS provider that needs no network: it has the provider's own arguments (schema.py), and
remembers what it is told to make.

STAND_IN names a folder: `library` is the type library, `configuration` the folder whose resources are served,
`world.json` what exists. Of Secrets Manager it plays the versions of a secret; everything else is as it was written.
"""

import json
import os
import sys
import threading
import time
import uuid
from pathlib import Path

import tf.provider
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.runner import run_provider
from tf.types import Unknown
from tf.utils import Diagnostics, read_dynamic_value, to_dynamic_value

import schema
from world import ACCOUNT, REGION, World

FOLDER = Path(os.environ["STAND_IN"])
WORLD = World(FOLDER / "world.json")
# A change of one of these makes the resource anew.
REPLACES = {
    "aws_secretsmanager_secret": {"name"},
    "aws_secretsmanager_secret_version": {"secret_id", "secret_string", "secret_string_wo_version"},
    "aws_lambda_function": {"function_name"},
}
# Slow, so that what does not wait for it is seen to come first.
SLOW = {"aws_lambda_permission", "aws_iam_role_policy", "aws_vpc_endpoint"}


def attribute(name, spec):
    made = pb.Schema.Attribute(
        name=name,
        type=json.dumps(spec["type"]).encode(),
        required=spec.get("required", False),
        optional=spec.get("optional", False),
        computed=not spec.get("required", False) and name not in schema.WRITE_ONLY,
    )
    if name in schema.WRITE_ONLY:
        # `write_only`, field 11, which the library's version of the protocol does not have yet.
        made = pb.Schema.Attribute.FromString(made.SerializeToString() + b"\x58\x01")
    return made


def block(spec):
    nesting = pb.Schema.NestedBlock.NestingMode
    return pb.Schema.Block(
        attributes=[attribute(name, nested) for name, nested in spec["attributes"].items()],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                block=block(nested),
                nesting=nesting.SET if nested["kind"] == "set" else nesting.LIST,
            )
            for name, nested in spec["blocks"].items()
        ],
    )


class Servicer(rpc.ProviderServicer):
    def __init__(self, _):
        library = schema.Library(FOLDER / "library")
        resources, data = schema.used(FOLDER / "configuration")
        self.resources = {name: library.resource(name) for name in resources}
        self.data = {name: library.data_source(name) for name in data}
        self.lock = threading.Lock()

    def GetProviderSchema(self, request, context):
        region = {"region": {"type": "string", "optional": True}}
        return pb.GetProviderSchema.Response(
            provider=pb.Schema(block=block({"attributes": region, "blocks": {}})),
            resource_schemas={name: pb.Schema(block=block(spec)) for name, spec in self.resources.items()},
            data_source_schemas={name: pb.Schema(block=block(spec)) for name, spec in self.data.items()},
        )

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request, context):
        return pb.ConfigureProvider.Response()

    def ValidateResourceConfig(self, request, context):
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request, context):
        return pb.ValidateDataResourceConfig.Response()

    def UpgradeResourceState(self, request, context):
        state = json.loads(request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=to_dynamic_value(state))

    def ReadDataSource(self, request, context):
        config = read_dynamic_value(request.config)
        with self.lock:
            answer = WORLD.read_data(request.type_name, config)
        return pb.ReadDataSource.Response(state=to_dynamic_value({**config, **answer}))

    def ReadResource(self, request, context):
        state = read_dynamic_value(request.current_state)
        with self.lock:
            found = WORLD.exists(request.type_name, state)
        return pb.ReadResource.Response(new_state=to_dynamic_value(state if found else None))

    def PlanResourceChange(self, request, context):
        name = request.type_name
        prior, proposed = read_dynamic_value(request.prior_state), read_dynamic_value(request.proposed_new_state)
        replaces = []
        if proposed is not None and prior is None:
            for field, spec in self.resources[name]["attributes"].items():
                if proposed.get(field) is None and not spec.get("required") and field not in schema.WRITE_ONLY:
                    proposed[field] = Unknown
        elif proposed is not None:
            replaces = [field for field in sorted(REPLACES.get(name, ())) if prior.get(field) != proposed.get(field)]
        if proposed is not None:
            proposed.update({field: None for field in schema.WRITE_ONLY & set(proposed)})
        return pb.PlanResourceChange.Response(
            planned_state=to_dynamic_value(proposed),
            requires_replace=[pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=f)]) for f in replaces],
            legacy_type_system=True,
        )

    def ApplyResourceChange(self, request, context):
        name = request.type_name
        prior, planned = read_dynamic_value(request.prior_state), read_dynamic_value(request.planned_state)
        diagnostics = Diagnostics()
        if name in SLOW:
            time.sleep(0.5)
        with self.lock:
            if planned is not None:
                complete(name, planned, prior)
            try:
                WORLD.apply(name, prior, planned, read_dynamic_value(request.config))
            except ValueError as refusal:
                diagnostics.add_error(f"{name}: {refusal}")
                planned = prior
        return pb.ApplyResourceChange.Response(
            new_state=to_dynamic_value(planned), diagnostics=diagnostics.to_pb(), legacy_type_system=True
        )

    def StopProvider(self, request, context):
        return pb.StopProvider.Response()


def complete(name, state, prior):
    """What AWS makes up: ids and ARNs. What was left out is then absent."""
    label = state.get("name") if state.get("name") not in (None, Unknown) else state.get("function_name")
    label = label if label not in (None, Unknown) else uuid.uuid4().hex[:8]
    service = name.split("_")[1]
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{label}"
    if name == "aws_secretsmanager_secret":
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{label}-AbCdEf"
    made_up = {"arn": arn, "id": arn if service == "secretsmanager" else label, "version_id": str(uuid.uuid4())}
    for field, value in state.items():
        if value is Unknown:
            state[field] = made_up.get(field)


if __name__ == "__main__":

    class Nameless:
        """The library asks for one; the servicer has all that it needs."""

    tf.provider.ProviderServicer = Servicer
    run_provider(Nameless(), sys.argv)
