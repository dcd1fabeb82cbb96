"""Probes of other packages: found by their entry points, or named with their package when they are broken.

Each test writes a distribution (a `.dist-info` folder and a module) and asks an interpreter of its own what
it finds there. Site packages are left out, so that what else is installed plays no part.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

GOOD = """
from probes.facts import FactName

class RedisProbe:
    name = "redis"
    fact_names = (FactName("data.redis.hit_ratio", "ratio", "1", "data", "Share of reads found", "redis"),)

    def run(self, context):
        return {}
"""
ASK = """
import json, sys
sys.path[:0] = sys.argv[1:]
from probes.errors import UsageError
from probes.facts import CATALOGUE
from probes.probe import Probe, ProbeContext, discover
try:
    found = discover()
except UsageError as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({
        "found": {name: [kind.__module__, isinstance(kind(), Probe)] for name, kind in found.items()},
        "catalogued": sorted(name for name, entry in CATALOGUE.items() if entry.probe == "redis"),
        "ran": [kind().run(ProbeContext("r1", print)) for kind in found.values()],
    }))
"""


def distribution(folder: Path, package: str, source: str, name: str = "redis") -> Path:
    """A folder with an installed distribution that brings one probe."""
    module = package.replace("-", "_")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[loadstone.probes]\n{name} = {module}:RedisProbe\n")
    (folder / f"{module}.py").write_text(source)
    return folder


def discovered(*folders: Path) -> dict[str, Any]:
    # only our packages, not the checkout: an editable install leaves our own entry points beside them
    source = folders[0] / "loadstone-source"
    source.mkdir(exist_ok=True)
    (source / "probes").symlink_to(ROOT / "probes")
    command = [sys.executable, "-I", "-S", "-c", ASK, str(source), *map(str, folders)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_a_probe_of_another_package_is_found_and_its_fact_names_are_catalogued(tmp_path: Path) -> None:
    assert discovered(distribution(tmp_path, "loadstone-redis", GOOD)) == {
        "found": {"redis": ["loadstone_redis", True]},
        "catalogued": ["data.redis.hit_ratio"],
        "ran": [{}],
    }


def test_nothing_installed_is_nothing_found(tmp_path: Path) -> None:
    assert discovered(tmp_path)["found"] == {}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "import a_module_that_is_not_there",
            "cannot be loaded (No module named 'a_module_that_is_not_there')",
        ),
        ("class AnotherProbe: ...", "cannot be loaded"),
        ("def broken(:", "cannot be loaded"),
        ("1 / 0", "cannot be loaded (division by zero)"),
        ("import sys; sys.exit('no redis here')", "cannot be loaded (no redis here)"),
        ("class RedisProbe: fact_names = ()", "is not a probe: it lacks run or fact_names"),
        ("class RedisProbe:\n    def run(self, context): ...", "is not a probe: it lacks run or fact_names"),
        ("RedisProbe = 5", "is not a probe"),
        (GOOD.replace("data.redis", "weather.redis"), "cannot be catalogued"),
        (GOOD.replace("data.redis.hit_ratio", "load.capacity"), "catalogued already with another"),
        (GOOD.replace("fact_names = (", "fact_names = 5 or ("), "cannot be catalogued"),
        (
            GOOD.replace("fact_names = (", "fact_names = ['data.redis.hit_ratio'] or ("),
            "cannot be catalogued",
        ),
    ],
)
def test_a_broken_probe_is_named_with_its_package(tmp_path: Path, source: str, said: str) -> None:
    error = discovered(distribution(tmp_path, "loadstone-redis", source))["error"]
    assert "'redis'" in error
    assert "'loadstone-redis'" in error
    assert said in error


def test_two_packages_with_a_probe_of_one_name_are_refused(tmp_path: Path) -> None:
    one = distribution(tmp_path / "one", "loadstone-redis", GOOD)
    two = distribution(tmp_path / "two", "redis-for-loadstone", GOOD)
    assert "two packages bring a probe named 'redis'" in discovered(one, two)["error"]
