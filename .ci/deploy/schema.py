"""The AWS provider's arguments and attributes, by name and type, from the type library that npm has of it.

Knows what the provider's own schema knows, except which optional arguments are computed, too: all are taken to be.
"""

import re
from pathlib import Path

SIMPLE = {"string": "string", "number": "number", "boolean": "bool"}
GETTERS = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getStringMapAttribute": ["map", "string"],
}
# The type library does not tell these from others.
WRITE_ONLY = {"secret_string_wo"}

ARGUMENT = re.compile(
    r"(\w+): \{\s*value: (.*?),\s*isBlock: (true|false),\s*type: \"(\w+)\",\s*storageClassType: \"(\w+)\",\s*\}", re.S
)


class Library:
    def __init__(self, folder):
        self.folder = Path(folder)

    def resource(self, name):
        return self._load(name.removeprefix("aws_").replace("_", "-"))

    def data_source(self, name):
        return self._load("data-aws-" + name.removeprefix("aws_").replace("_", "-"))

    def _load(self, folder):
        files = sorted((self.folder / folder).glob("*.js"))
        if not files:
            raise SystemExit(f"the provider has no {folder}")
        # The map to the sources is one word of megabytes.
        js = "\n".join(file.read_text().partition("//# sourceMappingURL")[0] for file in files)
        types = "\n".join(file.read_text() for file in sorted((self.folder / folder).glob("*.d.ts")))
        return Page(js, types).schema()


class Page:
    def __init__(self, js, types):
        self.js = js
        interfaces = re.findall(r"export interface (\w+)(?: extends [\w.]+)? \{(.*?)\n\}", types, re.S)
        self.interfaces = {name: set(re.findall(r"readonly (\w+):", body)) for name, body in interfaces}

    def schema(self):
        body = self.js[re.search(r"extends cdktf\.Terraform(Resource|DataSource) \{", self.js).end() :]
        config = next(name for name in self.interfaces if name.endswith("Config"))
        arguments = body[body.index("synthesizeHclAttributes()") :]
        schema = self._block(arguments, self.interfaces[config])
        self._computed(schema, body)
        return schema

    def _block(self, text, required):
        schema = {"attributes": {}, "blocks": {}}
        for name, value, block, kind, storage in ARGUMENT.findall(text):
            field = re.search(r"(?:this\._|struct\.)(\w+)", value).group(1)
            flag = "required" if field in required else "optional"
            if block == "true" or "ToHclTerraform" in value and "cdktf." not in value.split("ToHclTerraform")[0]:
                mapper = re.search(r"(\w+)ToHclTerraform", value.replace("listMapperHcl(", "")).group(1)
                nested = self._function(mapper)
                if nested is not None:
                    interface = mapper[0].upper() + mapper[1:]
                    nested = self._block(nested, self.interfaces.get(interface, set()))
                    schema["blocks"][name] = {"kind": "set" if kind == "set" else "list", **nested}
                    continue
            schema["attributes"][name] = {"type": self._type(kind, storage), flag: True}
        return schema

    def _function(self, mapper):
        found = re.search(rf"function {mapper}ToHclTerraform\(struct\) \{{(.*?)\n\}}", self.js, re.S)
        return found and found.group(1)

    @staticmethod
    def _type(kind, storage):
        if kind == "simple":
            return SIMPLE[storage]
        element = SIMPLE[storage.removesuffix("List").removesuffix("Map")]
        return [kind, element]

    def _computed(self, schema, body):
        attributes = schema["attributes"]
        for name, type_ in self._getters(body).items():
            attributes.setdefault(name, {"type": type_})
        for item, name in re.findall(r"new (\w+)List\(this, \"(\w+)\", (?:true|false)\)", body):
            if name not in schema["blocks"] and name not in attributes:
                found = re.search(rf"class {item}OutputReference extends (.*?)\n}}", self.js, re.S)
                attributes[name] = {"type": ["list", ["object", self._getters(found.group(1))]]}

    @staticmethod
    def _getters(text):
        getters = re.findall(r"return this\.(get\w+)\('(\w+)'\)", text)
        getters += re.findall(r"return cdktf\.Fn\.tolist\(this\.(getListAttribute)\('(\w+)'\)", text)
        return {name: GETTERS[getter] for getter, name in getters if getter in GETTERS}


def used(folder):
    """The types of the resources and of the data sources that the configuration in a folder uses."""
    text = "\n".join(file.read_text() for file in sorted(Path(folder).rglob("*.tf")))
    find = lambda keyword: sorted(set(re.findall(rf'^{keyword} "(aws_\w+)"', text, re.M)))
    return find("resource"), find("data")
