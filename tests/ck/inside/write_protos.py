"""Writes the .proto files that a prepared Object Detection API's message files came from.

    python write_protos.py RESEARCH

The packages on PyPI have only the output of protoc, the upstream repository only its input; with this a test
makes the one look like the other. Runs where TensorFlow is, Python 3.6 or later.
"""

import importlib
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2

FIELD = descriptor_pb2.FieldDescriptorProto
LABELS = {
    FIELD.LABEL_OPTIONAL: "optional",
    FIELD.LABEL_REQUIRED: "required",
    FIELD.LABEL_REPEATED: "repeated",
}
TEXT = (FIELD.TYPE_STRING, FIELD.TYPE_BYTES)


def type_of(field):
    if field.type_name:
        return field.type_name
    return FIELD.Type.Name(field.type)[len("TYPE_") :].lower()


def field_lines(field, label=True):
    default = ""
    if field.HasField("default_value"):
        value = field.default_value
        default = f' [default = "{value}"]' if field.type in TEXT else f" [default = {value}]"
    front = LABELS[field.label] + " " if label else ""
    yield f"{front}{type_of(field)} {field.name} = {field.number}{default};"


def enum_lines(enum):
    yield f"enum {enum.name} {{"
    for value in enum.value:
        yield f"{value.name} = {value.number};"
    yield "}"


def message_lines(message):
    maps = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    yield f"message {message.name} {{"
    for enum in message.enum_type:
        yield from enum_lines(enum)
    for nested in message.nested_type:
        if nested.name not in maps:
            yield from message_lines(nested)
    for field in message.field:
        entry = maps.get(field.type_name.rsplit(".", 1)[-1])
        if entry is not None:
            key, value = map(type_of, entry.field)
            yield f"map<{key}, {value}> {field.name} = {field.number};"
        elif not field.HasField("oneof_index"):
            yield from field_lines(field)
    for index, oneof in enumerate(message.oneof_decl):
        yield f"oneof {oneof.name} {{"
        for field in message.field:
            if field.HasField("oneof_index") and field.oneof_index == index:
                yield from field_lines(field, label=False)
        yield "}"
    for extra in message.extension_range:
        yield f"extensions {extra.start} to {'max' if extra.end > 500000000 else extra.end - 1};"
    yield from extension_lines(message.extension)
    yield "}"


def extension_lines(extensions):
    for field in extensions:
        yield f"extend {field.extendee} {{"
        yield from field_lines(field)
        yield "}"


def file_lines(file):
    yield 'syntax = "proto2";'
    yield f"package {file.package};"
    for name in file.dependency:
        yield f'import "{name}";'
    for enum in file.enum_type:
        yield from enum_lines(enum)
    for message in file.message_type:
        yield from message_lines(message)
    yield from extension_lines(file.extension)


def main(research):
    sys.path.insert(0, str(research))
    for module in sorted((research / "object_detection" / "protos").glob("*_pb2.py")):
        descriptor = importlib.import_module("object_detection.protos." + module.stem).DESCRIPTOR
        file = descriptor_pb2.FileDescriptorProto()
        descriptor.CopyToProto(file)
        (research / descriptor.name).write_text("\n".join(file_lines(file)) + "\n")


main(Path(sys.argv[1]))
