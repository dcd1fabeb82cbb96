"""Dockerfiles and Compose's files: an image, a health check, copies and limits of the service that serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from probes.infrastructure.containers import ContainerReader
from probes.infrastructure.image_names import is_pinned

DOCKERFILE = """# syntax=docker/dockerfile:1
ARG BASE=python:3.12-slim
FROM --platform=$BUILDPLATFORM python:3.12-slim@sha256:2673086900 AS build
HEALTHCHECK CMD false
RUN pip wheel .
FROM ${BASE}
COPY --from=build /wheels /wheels

HEALTHCHECK --interval=5s CMD curl -f http://localhost/healthz
"""
COMPOSE = """services:
  redis: {image: redis}
  api:
    build: .
    image: registry.example/shop/api:4.12.3
    ports: ["8000:8000"]
    healthcheck: {test: [CMD, curl, -f, "http://localhost:8000/healthz"]}
    deploy:
      replicas: 3
      resources: {limits: {memory: 512M}}
"""


def read(**files: str) -> dict[str, tuple[Any, int | None]]:
    reader = ContainerReader()
    for name, text in files.items():
        file = Path(name.replace("__", "."))
        assert reader.looks_at(file)
        reader.read(file, text.encode(), text)
    return {
        fact.name.removeprefix("infra."): (fact.value, fact.source.line) for fact in reader.findings().facts
    }


def test_the_last_stage_of_a_dockerfile_is_the_image() -> None:
    assert read(Dockerfile=DOCKERFILE) == {
        "dockerfile.present": (True, 6),
        "dockerfile.healthcheck.present": (True, 9),
    }


def test_a_health_check_of_another_stage_or_none_is_none() -> None:
    without = DOCKERFILE.replace("HEALTHCHECK --interval=5s CMD curl -f http://localhost/healthz", "")
    assert "dockerfile.healthcheck.present" not in read(Dockerfile=without)
    assert "dockerfile.healthcheck.present" not in read(Dockerfile=without + "HEALTHCHECK NONE\n")


def test_the_service_with_ports_is_the_one_that_serves() -> None:
    found = {name: value for name, (value, _) in read(compose__yaml=COMPOSE).items()}
    assert found == {
        "compose.services.count": 2,
        "compose.service": "api",
        "compose.image_pinned": True,
        "compose.memory_limit.present": True,
        "compose.replicas": 3,
        "compose.healthcheck.present": True,
    }


def test_of_several_with_ports_the_one_that_is_built_here() -> None:
    text = COMPOSE.replace("redis: {image: redis}", 'redis: {image: redis, ports: ["6379:6379"]}')
    assert read(compose__yaml=text)["compose.service"][0] == "api"
    two = text.replace("image: redis,", "build: ./redis,")
    assert read(compose__yaml=two) == {"compose.services.count": (2, 2)}, "nothing is said of any"


def test_what_is_switched_off_or_a_variable_is_not_told() -> None:
    text = COMPOSE.replace("4.12.3", "${TAG}").replace("{test: [CMD", "{disable: true, test: [CMD")
    found = read(compose__yaml=text)
    assert not {"compose.image_pinned", "compose.healthcheck.present"} & found.keys()


def test_a_second_file_overrides_for_another_environment_and_is_left_out() -> None:
    override = 'services: {api: {ports: ["1:1"], deploy: {replicas: 9}}}\n'
    assert read(compose__yaml=COMPOSE, compose__override__yml=override)["compose.replicas"][0] == 3


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("redis", False), ("redis:latest", False), ("redis:7.4", True), ("localhost:5000/api", False),
        ("localhost:5000/api:1", True), ("api@sha256:26730869", False),
        ("api:latest@sha256:" + "0f" * 32, True), ("api@sha256:" + "0f" * 32, True),
    ],
)  # fmt: skip
def test_a_tag_other_than_latest_or_a_digest_pins_an_image(image: str, pinned: bool) -> None:
    assert is_pinned(image) is pinned


@pytest.mark.parametrize(
    "name", ["Dockerfile.gpu", "Containerfile", "api.Dockerfile", "docker-compose.prod.yml"]
)
def test_names_that_are_looked_at(name: str) -> None:
    assert ContainerReader().looks_at(Path(name))
    assert not ContainerReader().looks_at(Path("values.yaml"))
