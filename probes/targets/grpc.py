"""A unary gRPC method as a target: `grpc://host:port/package.Service/Method`, `grpcs://` with TLS.

What the method takes is asked of the server or read from a .proto file once the load is about to begin; each
sample is made into a message and a request once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from probes.errors import TargetError, UsageError
from probes.load.plan import Wire
from probes.targets.grpc_call import Endpoint, call, need_packages, read_endpoint
from probes.targets.grpc_schema import Method, method_by_reflection, method_of_file, split_path
from probes.targets.target import Answer, Seen

if TYPE_CHECKING:
    from probes.load.steps import StepResult


@dataclass(frozen=True)
class GrpcTarget:
    """A method and the samples it is called with, JSON objects; `method` is known once it is prepared."""

    kind: str
    address: str
    endpoint: Endpoint
    service: str
    method_name: str
    samples: tuple[bytes, ...]
    sample_from: str
    proto: str | None = None
    method: Method | None = None
    messages: tuple[bytes, ...] = ()

    @property
    def tried(self) -> int:
        """What the method takes is asked of other methods."""
        return 0

    @property
    def expect_body(self) -> str | None:
        """What has to be found in the bytes of every answer's message."""
        return self.endpoint.expect_body

    @property
    def remote(self) -> bool:
        return self.endpoint.remote

    @property
    def host(self) -> str:
        return self.endpoint.host

    @property
    def ip(self) -> str:
        return self.endpoint.ip

    @property
    def port(self) -> int:
        return self.endpoint.port

    @property
    def path(self) -> str:
        """`/package.Service/Method`, by which calls are told apart."""
        return f"/{self.service}/{self.method_name}"

    def prepared(self, timeout_s: float) -> GrpcTarget:
        """The target with its messages made, after the server was asked what the method takes."""
        if self.proto is not None:
            method = method_of_file(self.proto, self.service, self.method_name)
        else:
            method = method_by_reflection(self.endpoint, self.service, self.method_name, timeout_s)
        return self.with_method(method)

    def with_method(self, method: Method) -> GrpcTarget:
        """The target with the messages that the method takes."""
        messages = tuple(method.encoded(self.as_message(one)) for one in self.samples)
        return replace(self, method=method, messages=messages)

    def as_message(self, sample: bytes) -> bytes:
        """The JSON of the message that a sample stands for: the sample itself."""
        return sample

    def sized(self, axis: str, sizes: Sequence[int]) -> GrpcTarget:
        """The target with every sample in every size; see `probes.targets.sizing`."""
        from probes.targets.sizing import sized_bodies

        larger = replace(self, samples=sized_bodies(self.samples, axis, sizes))
        return larger.with_method(self._known())

    def _known(self) -> Method:
        if self.method is None:
            raise RuntimeError("the target is not prepared")
        return self.method

    def wire(self, timeout_s: float, run_id: str | None = None) -> Wire:
        """How the load loop talks to it; the user-agent names the run."""
        path = self._known().path
        requests = tuple(self.endpoint.encoded(path, message, timeout_s, run_id) for message in self.messages)
        return self.endpoint.wire(requests, timeout_s)

    def is_good(self, status: int) -> bool:
        """Whether a call ended with the status OK."""
        return status == 200

    def check(self, timeout_s: float, run_id: str | None = None) -> Answer:
        """Calls once; the answer's body is its message as JSON. Raises `TargetError` unless it is OK."""
        method = self._known()
        reply = call(self.endpoint, method.path, self.messages[0], timeout_s, run_id)
        if reply.status != 200:
            raise TargetError(
                f"{self.address} answers {reply.said} instead of OK; correct the call (--sample, --header)"
            )
        if self.expect_body is not None and not re.search(self.expect_body.encode(), reply.message):
            raise TargetError(
                f"the message that {self.address} answers with does not match --expect-body "
                f"{self.expect_body!r}; its text is UTF-8 between the marks of its fields"
            )
        return Answer(200, "OK", method.decoded(reply.message), reply.seconds)

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's target object, without process ids."""
        document: dict[str, Any] = {
            "kind": self.kind,
            "address": self.address,
            "remote": self.remote,
            "sample_from": self.sample_from,
        }
        if self.endpoint.client == "own":
            document["streams"] = self.endpoint.streams
        else:
            document["client"] = self.endpoint.client
        if self.expect_body is not None:
            document["expect_body"] = self.expect_body
        if self.endpoint.shown_metadata:
            document["headers"] = list(self.endpoint.shown_metadata)
        if len(self.samples) > 1:
            document["bodies"] = len(self.samples)
        if self.proto is not None:
            document["proto"] = self.proto
        if (tls := self.endpoint.tls) is not None:
            document["tls"] = {"verified": not tls.insecure}
            if tls.ca is not None:
                document["tls"]["ca"] = tls.ca
        return document

    def harness_cpu_s(self) -> float:
        """Nothing of Loadstone's own stands between the load and the target."""
        return 0.0

    def seen(self, steps: Sequence[StepResult], run_id: str) -> Seen:
        """Nothing beside what every kind has."""
        del steps, run_id
        return Seen()


def given_samples(body: bytes | None, bodies: Sequence[bytes] | None) -> tuple[bytes, ...]:
    """The samples of the options, none where none was given. Raises `UsageError`."""
    if body is not None and bodies:
        raise UsageError("give either --body or --bodies, not both")
    if bodies is not None and not bodies:
        raise UsageError("--bodies holds no body: give at least one line")
    return tuple(bodies) if bodies else () if body is None else (body,)


def parse_target(
    address: str,
    *,
    headers: Sequence[str] = (),
    body: bytes | None = None,
    bodies: Sequence[bytes] | None = None,
    proto: str | None = None,
    expect_body: str | None = None,
    streams: int | None = None,
    client: str | None = None,
    allow_remote: bool = False,
    ca: str | None = None,
    insecure: bool = False,
) -> GrpcTarget:
    """The target of a `grpc://host:port/package.Service/Method` address; sends nothing.

    `headers` are metadata of every call, `body` or `bodies` the samples as JSON; without any the message is
    the empty one. `streams` is how many calls a connection carries at once.

    Raises `UsageError` when something is wrong with them or a package is missing, `TargetError` when the host
    name cannot be resolved.
    """
    endpoint, path = read_endpoint(
        address, headers, allow_remote=allow_remote, ca=ca, insecure=insecure, streams=streams,
        expect_body=expect_body, client=client,
    )  # fmt: skip
    service, method = split_path(path)
    need_packages(compiler=proto is not None, client=endpoint.client)
    samples = given_samples(body, bodies)
    return GrpcTarget(
        kind="grpc",
        address=f"{address.partition('://')[0].lower()}://{endpoint.authority}/{service}/{method}",
        endpoint=endpoint,
        service=service,
        method_name=method,
        samples=samples or (b"{}",),
        sample_from="given" if samples else "signature",
        proto=proto,
    )
