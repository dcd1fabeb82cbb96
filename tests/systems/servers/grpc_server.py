"""A real gRPC server (grpcio) with known truth: `t.Echo/Say`, whose request says what becomes of it.

With `--inference FILE.proto` it serves the Open Inference Protocol by that file instead: the model `m` gives
the sum of its input `x`, open by rows of 4.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection

FIELD = descriptor_pb2.FieldDescriptorProto


def described() -> Any:
    """The file echo.proto, in the default pool."""
    file = descriptor_pb2.FileDescriptorProto(name="echo.proto", package="t", syntax="proto3")
    for name, fields in {
        "Ask": (("text", FIELD.TYPE_STRING), ("status", FIELD.TYPE_INT32), ("bytes", FIELD.TYPE_INT32)),
        "Answer": (("text", FIELD.TYPE_STRING), ("size", FIELD.TYPE_INT32)),
    }.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields, 1):
            message.field.add(name=field, number=number, type=kind, label=FIELD.LABEL_OPTIONAL)
    service = file.service.add(name="Echo")
    service.method.add(name="Say", input_type=".t.Ask", output_type=".t.Answer")
    service.method.add(name="Watch", input_type=".t.Ask", output_type=".t.Answer", server_streaming=True)
    descriptor_pool.Default().Add(file)
    return descriptor_pool.Default()


def inference(proto: Path) -> Any:
    """The methods ServerReady, ModelReady, ModelMetadata and ModelInfer."""
    sys.path.insert(0, str(proto.parent))
    pb = grpc.protos(proto.name)

    def metadata(request: Any, context: grpc.ServicerContext) -> Any:
        if request.name != "m":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such model")
        tensor = pb.ModelMetadataResponse.TensorMetadata
        return pb.ModelMetadataResponse(name="m", inputs=[tensor(name="x", datatype="FP32", shape=[-1, 4])])

    def ready(request: Any, context: grpc.ServicerContext) -> Any:
        if request.name not in ("m", "loading"):
            context.abort(grpc.StatusCode.NOT_FOUND, "no such model")
        return pb.ModelReadyResponse(ready=request.name == "m")

    def infer(request: Any, context: grpc.ServicerContext) -> Any:
        (given,) = request.inputs
        if request.model_name != "m" or given.name != "x" or len(given.contents.fp32_contents) % 4:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "wrong input")
        answer = pb.ModelInferResponse(model_name="m")
        output = answer.outputs.add(name="sum", datatype="FP32", shape=[1])
        output.contents.fp32_contents.append(sum(given.contents.fp32_contents))
        return answer

    ways = {
        "ServerReady": (lambda request, context: pb.ServerReadyResponse(ready=True), pb.ServerReadyRequest),
        "ModelReady": (ready, pb.ModelReadyRequest),
        "ModelMetadata": (metadata, pb.ModelMetadataRequest),
        "ModelInfer": (infer, pb.ModelInferRequest),
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            way, kind.FromString, lambda answer: answer.SerializeToString()
        )
        for name, (way, kind) in ways.items()
    }
    return grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--service-ms", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--streams", type=int, default=0)
    parser.add_argument("--age-ms", type=int, default=0)
    parser.add_argument("--inference")
    parser.add_argument("--no-reflection", action="store_true")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    options = parser.parse_args()
    pool = described()
    ask, answer = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in ("t.Ask", "t.Answer")
    )
    codes = {code.value[0]: code for code in grpc.StatusCode}

    def say(request: Any, context: grpc.ServicerContext) -> Any:
        time.sleep(options.service_ms / 1e3)
        if request.text == "how long":
            return answer(text=f"{context.time_remaining():.3f}")
        if request.status < 0:
            time.sleep(60)
        if request.status:
            context.abort(codes[request.status], "as was asked: ä")
        return answer(text="x" * request.bytes, size=len(request.text))

    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    if options.streams:
        limits.append(("grpc.max_concurrent_streams", options.streams))
    if options.age_ms:
        limits.append(("grpc.max_connection_age_ms", options.age_ms))
    server = grpc.server(futures.ThreadPoolExecutor(options.threads), options=limits)
    handler = grpc.unary_unary_rpc_method_handler(say, ask.FromString, answer.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.Echo", {"Say": handler}),))
    if options.inference:
        server.add_generic_rpc_handlers((inference(Path(options.inference)),))
    elif not options.no_reflection:
        reflection.enable_server_reflection(("t.Echo", reflection.SERVICE_NAME), server)
    if options.certificate:
        pair = (Path(options.key).read_bytes(), Path(options.certificate).read_bytes())
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
