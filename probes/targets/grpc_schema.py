"""What a gRPC method takes and gives: asked of the server (reflection) or read from a .proto file."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from probes.errors import TargetError, UsageError
from probes.targets.grpc_call import Endpoint, Reply, call

REFLECTION = tuple(
    f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha")
)
UNIMPLEMENTED = 12
NOT_FOUND = 5
COMPILE_S = 30.0
MOST_FILES = 1_000


@dataclass(frozen=True)
class Method:
    """A unary method: the path it is called by, and the classes of its messages."""

    path: str
    takes: Any
    gives: Any

    def encoded(self, sample: bytes) -> bytes:
        """The bytes of the message that a JSON object describes. Raises `UsageError`."""
        from google.protobuf import json_format

        try:
            message = json_format.Parse(sample, self.takes())
        except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
            fields = ", ".join(field.name for field in self.takes.DESCRIPTOR.fields) or "none"
            why = " ".join(str(error).split())[:200]
            raise UsageError(
                f"the sample is no {self.takes.DESCRIPTOR.full_name}: {why}; its fields are {fields}"
            ) from error
        return bytes(message.SerializeToString(deterministic=True))

    def described(self) -> str:
        """What it takes, in a line: the message with its fields and their types."""
        fields = ", ".join(f"{field.name} {_type_of(field)}" for field in self.takes.DESCRIPTOR.fields)
        return f"{self.takes.DESCRIPTOR.full_name} ({fields or 'no fields'})"

    def template(self) -> dict[str, Any]:
        """A message of what it takes with every field at its default, for a person to fill in."""
        return _template(self.takes.DESCRIPTOR, 0)

    def decoded(self, message: bytes) -> bytes:
        """The answer's message as JSON. Raises `TargetError` when it is none."""
        from google.protobuf import json_format
        from google.protobuf.message import DecodeError

        try:
            return str(json_format.MessageToJson(self.gives.FromString(message), indent=None)).encode()
        except (DecodeError, ValueError, TypeError) as error:
            raise TargetError(f"the answer of {self.path} is no {self.gives.DESCRIPTOR.full_name}") from error


_TYPES = {
    1: "int32", 2: "int64", 3: "uint32", 4: "uint64", 5: "double", 6: "float", 7: "bool", 8: "enum",
    9: "string",
}  # fmt: skip
"""The numbers that protobuf has for the types of C++, by the names of .proto files."""
_DEFAULTS: dict[int, Any] = {5: 0.0, 6: 0.0, 7: False, 9: ""}
_MESSAGE, _ENUM, _DEEPEST = 10, 8, 3


def _is_repeated(field: Any) -> bool:
    """Newer versions of protobuf have `is_repeated`, and warn of `label`, which older ones have."""
    found = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if found is None else found)


def _type_of(field: Any) -> str:
    name = field.message_type.name if field.cpp_type == _MESSAGE else _TYPES.get(field.cpp_type, "")
    return f"[{name}]" if _is_repeated(field) else name


def _template(message: Any, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in message.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            made[field.name] = {}
        elif _is_repeated(field):
            made[field.name] = []
        elif field.cpp_type == _MESSAGE:
            well_known = field.message_type.full_name.startswith("google.protobuf.")
            if depth < _DEEPEST and not well_known:
                made[field.name] = _template(field.message_type, depth + 1)
        elif field.cpp_type == _ENUM:
            made[field.name] = field.enum_type.values[0].name
        elif field.containing_oneof is None:
            made[field.name] = _DEFAULTS.get(field.cpp_type, 0)
    return made


def split_path(path: str) -> tuple[str, str]:
    """Service and method of an address' path. Raises `UsageError`."""
    service, _, method = path.strip("/").partition("/")
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", service) or not re.fullmatch(
        r"[A-Za-z_]\w*", method
    ):
        raise UsageError(f"'{path[:80]}' names no method: write grpc://host:port/package.Service/Method")
    return service, method


def method_by_reflection(endpoint: Endpoint, service: str, method: str, timeout_s: float) -> Method:
    """Asks the server. Raises `TargetError` when it does not tell, `UsageError` for an unknown name."""
    path = _reflection_path(endpoint, timeout_s)

    def ask(**what: str) -> Any:
        return _ask(endpoint, path, timeout_s, what)

    files: dict[str, Any] = {}
    answer = ask(file_containing_symbol=service)
    if answer.HasField("error_response"):
        names = [one.name for one in ask(list_services="").list_services_response.service]
        raise _unknown(
            "service", service, [name for name in names if not name.startswith("grpc.reflection.")]
        )
    _keep(answer, files)
    wanted = {name for file in files.values() for name in file.dependency} - files.keys()
    while wanted and len(files) < MOST_FILES:
        answer = ask(file_by_filename=wanted.pop())
        _keep(answer, files)
        if not answer.HasField("error_response"):
            wanted |= {name for file in files.values() for name in file.dependency} - files.keys()
    return _method(files, service, method)


def method_of_file(proto: str, service: str, method: str) -> Method:
    """Compiles a .proto file; what it imports is looked for beside it. Raises `UsageError`."""
    from google.protobuf import descriptor_pb2

    file = Path(proto)
    if not file.is_file():
        raise UsageError(f"--proto {proto[:120]}: there is no such file")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "set")
        line = [
            sys.executable, "-m", "grpc_tools.protoc", f"-I{file.parent.absolute()}", f"-I{_well_known()}",
            "--include_imports", f"--descriptor_set_out={out}", str(file.absolute()),
        ]  # fmt: skip
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", timeout=COMPILE_S)
        if done.returncode or not out.is_file():
            why = next((text for text in done.stderr.splitlines() if file.name in text), done.stderr.strip())
            raise UsageError(f"--proto {proto[:120]} cannot be compiled: {why[:200]}")
        found = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    return _method({one.name: one for one in found.file}, service, method)


def _well_known() -> Path:
    import grpc_tools

    return Path(grpc_tools.__path__[0], "_proto")


def _reflection_path(endpoint: Endpoint, timeout_s: float) -> str:
    """The first version of the reflection service that the server has."""
    from grpc_reflection.v1alpha import reflection_pb2

    message = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
    reply: Reply | None = None
    for path in REFLECTION:
        reply = call(endpoint, path, message, timeout_s)
        if reply.status == 200:
            return path
        if reply.code not in (UNIMPLEMENTED, NOT_FOUND):
            break
    assert reply is not None
    if reply.code in (UNIMPLEMENTED, NOT_FOUND):
        raise TargetError(
            f"{endpoint.authority} does not say what its methods take (no reflection): give --proto FILE"
        )
    raise TargetError(f"{endpoint.authority} refuses reflection ({reply.said}): give --proto FILE")


def _ask(endpoint: Endpoint, path: str, timeout_s: float, what: Mapping[str, str]) -> Any:
    from google.protobuf.message import DecodeError
    from grpc_reflection.v1alpha import reflection_pb2

    message = reflection_pb2.ServerReflectionRequest(**what).SerializeToString()
    reply = call(endpoint, path, message, timeout_s)
    if reply.status != 200:
        raise TargetError(f"{endpoint.authority} refuses reflection ({reply.said}): give --proto FILE")
    try:
        return reflection_pb2.ServerReflectionResponse.FromString(reply.message)
    except DecodeError as error:
        raise TargetError(
            f"{endpoint.authority} gives reflection that cannot be read: give --proto FILE"
        ) from error


def _keep(answer: Any, files: dict[str, Any]) -> None:
    from google.protobuf import descriptor_pb2

    for data in answer.file_descriptor_response.file_descriptor_proto:
        file = descriptor_pb2.FileDescriptorProto.FromString(data)
        files[file.name] = file


def _method(files: Mapping[str, Any], service: str, method: str) -> Method:
    from google.protobuf import descriptor_pool, message_factory

    services = {
        ".".join(filter(None, (file.package, one.name))): one
        for file in files.values()
        for one in file.service
    }
    if service not in services:
        raise _unknown("service", service, list(services))
    methods = {one.name: one for one in services[service].method}
    if method not in methods:
        raise _unknown("method", method, list(methods))
    if methods[method].client_streaming or methods[method].server_streaming:
        raise UsageError(f"{service}/{method} streams, which is not supported: name a unary method")
    pool = descriptor_pool.DescriptorPool()
    try:
        _add_all(files, pool.Add)
        found = pool.FindServiceByName(service).FindMethodByName(method)
    except (TypeError, KeyError) as error:
        raise TargetError(f"the description of {service} is not whole: {str(error)[:120]}") from error
    classes = [message_factory.GetMessageClass(kind) for kind in (found.input_type, found.output_type)]
    return Method(f"/{service}/{method}", *classes)


def _add_all(files: Mapping[str, Any], add: Callable[[Any], Any]) -> None:
    """Adds files behind those that they import."""
    added: set[str] = set()

    def visit(name: str) -> None:
        if name in added or name not in files:
            return
        added.add(name)
        for needed in files[name].dependency:
            visit(needed)
        add(files[name])

    for name in files:
        visit(name)


def _unknown(what: str, name: str, known: list[str]) -> UsageError:
    near = get_close_matches(name, known, 1, 0.6)
    hint = f" (did you mean {near[0]}?)" if near else ""
    listed = ", ".join(known[:12]) or "none"
    return UsageError(f"there is no {what} {name[:80]} there{hint}: known are {listed}")
