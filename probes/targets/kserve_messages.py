"""The messages of the Open Inference Protocol v2 over gRPC, without a compiler of .proto files.

Source: open_inference_grpc.proto of github.com/kserve/open-inference-protocol; names and numbers are those.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from probes.targets.grpc_schema import Method

PACKAGE, SERVICE = "inference", "GRPCInferenceService"
_TENSOR = "name:string datatype:string shape:int64*"
_MESSAGES = {
    "ServerReadyRequest": "",
    "ServerReadyResponse": "ready:bool",
    "ModelReadyRequest": "name:string version:string",
    "ModelReadyResponse": "ready:bool",
    "ModelMetadataRequest": "name:string version:string",
    "TensorMetadata": _TENSOR,
    "ModelMetadataResponse": (
        "name:string versions:string* platform:string inputs:.TensorMetadata* outputs:.TensorMetadata*"
    ),
    "InferTensorContents": (
        "bool_contents:bool* int_contents:int32* int64_contents:int64* uint_contents:uint32* "
        "uint64_contents:uint64* fp32_contents:float* fp64_contents:double* bytes_contents:bytes*"
    ),
    "InferTensor": f"{_TENSOR} - contents:.InferTensorContents",
    "ModelInferRequest": (
        "model_name:string model_version:string id:string - inputs:.InferTensor* - raw_input_contents:bytes*"
    ),
    "ModelInferResponse": (
        "model_name:string model_version:string id:string - outputs:.InferTensor* raw_output_contents:bytes*"
    ),
}
"""Fields in the order of their numbers, `*` for repeated ones; `-` is a number that is not used here. Nested
messages of the original stand beside the others: on the wire that is the same."""
CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""By its datatype: the field that holds a tensor's values."""


@cache
def method(name: str) -> Method:
    """The method `ServerReady`, `ModelReady`, `ModelMetadata` or `ModelInfer`."""
    from google.protobuf import message_factory

    pool = _pool()
    classes = [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}{end}"))
        for end in ("Request", "Response")
    ]
    return Method(f"/{PACKAGE}.{SERVICE}/{name}", *classes)


@cache
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="kserve.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields.split(), 1):
            if field == "-":
                continue
            called, _, kind = field.partition(":")
            repeated = kind.endswith("*")
            kind = kind.removesuffix("*")
            added = message.field.add(name=called, number=number)
            added.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind.startswith("."):
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".{PACKAGE}{kind}"
            else:
                added.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
