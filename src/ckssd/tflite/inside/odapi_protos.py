"""Builds the Object Detection API's message classes from their serialized descriptors.

Copied into ``object_detection/`` when that package is installed. The API's ``_pb2`` files were generated
by a protoc whose output newer protobuf releases refuse; the descriptors inside them have not aged.
Works with protobuf 3.6 to 7. Stands alone: Python 3.6 or later, nothing but protobuf.
"""
# mypy: ignore-errors

from google.protobuf import descriptor_pool

try:
    from google.protobuf.internal import builder as _builder  # protobuf 3.20 and later
except ImportError:
    _builder = None


def define(module, names, serialized, path):
    """Put the messages and enums of one ``.proto`` file into a module.

    ``module`` is the module's name, ``names`` its ``globals()``, ``serialized`` the FileDescriptorProto's
    bytes and ``path`` the name of the ``.proto`` file in them.
    """
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(serialized)
    descriptor = pool.FindFileByName(path)
    names["DESCRIPTOR"] = descriptor
    if _builder is not None:
        _builder.BuildMessageAndEnumDescriptors(descriptor, names)
        _builder.BuildTopDescriptorsAndMessages(descriptor, module, names)
    else:
        _define_with_reflection(module, names, descriptor)


def _define_with_reflection(module, names, descriptor):
    from google.protobuf.internal import enum_type_wrapper

    for name, enum in descriptor.enum_types_by_name.items():
        names[name] = enum_type_wrapper.EnumTypeWrapper(enum)
        names.update((value.name, value.number) for value in enum.values)
    for name, message in descriptor.message_types_by_name.items():
        names[name] = _message_class(module, message)


def _message_class(module, message):
    from google.protobuf import message as message_module
    from google.protobuf import reflection, symbol_database

    members = {nested.name: _message_class(module, nested) for nested in message.nested_types}
    members.update(DESCRIPTOR=message, __module__=module)
    kind = reflection.GeneratedProtocolMessageType(message.name, (message_module.Message,), members)
    symbol_database.Default().RegisterMessage(kind)
    return kind
