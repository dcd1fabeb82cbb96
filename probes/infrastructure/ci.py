"""What a repository's pipelines do: of GitHub, GitLab, CircleCI, Azure, Bitbucket, Buildkite and Jenkins.

Commands are read as they are written, and none is run. A load test is a command of a tool of load; it is a
gate where it ends with an error when it is too slow (thresholds, a requirement, a baseline). So is an
evaluation of a model where its command names a least or a most.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from probes.scanned import Findings

_FILES = re.compile(
    r"\.gitlab-ci\.ya?ml|azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|Jenkinsfile|\.drone\.ya?ml"
    r"|cloudbuild\.ya?ml|buildspec\.ya?ml"
)
_FOLDERS = (".github/workflows/", ".circleci/", ".buildkite/", ".gitlab/", ".ci/")
_JOINED = "\x01"
_COMMENT = re.compile(r"(?m)(^|\s)(#|//)\s.*$")
_LOADSTONE = re.compile(r"\bloadstone(?:\s+|\.\w+\s+)(run|probe)\b([^\n]*)")
_LOAD = re.compile(
    r"\b(k6\s+run|grafana/(k6-action|run-k6-action)|locust\s|artillery\s+run|vegeta\s+attack|jmeter\s+-n|gatling"
    r"|ghz\s|wrk\s|hey\s+-|perf_analyzer\s)"
)
_RUNS = re.compile(r"\b(python3?|uv run|poetry run|dvc|mlflow|make|pytest)\b")
_EVALUATES = re.compile(r"evaluat|\beval\b|_eval\b|validate_model|model_quality", re.IGNORECASE)
_LEAST = re.compile(
    r"--(?:min|max|least|most|threshold|fail[-_](?:under|below|over|above))[\w-]*[= ]\s*[\d.]+", re.I
)


class PipelineReader:
    """Reads the files in which a pipeline is written."""

    system: ClassVar[str] = "ci"

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, int]] = {}

    def looks_at(self, file: Path) -> bool:
        """By its name, or by the folder that it lies in."""
        path = file.as_posix()
        in_folder = any(folder in path for folder in _FOLDERS)
        return bool(_FILES.fullmatch(file.name)) or (in_folder and file.suffix.lower() in (".yml", ".yaml"))

    def read(self, file: Path, data: bytes, text: str) -> str | None:  # noqa: ARG002
        """Looks for the commands that it knows."""
        # Comments become blanks and joined lines keep a mark, so that lines can be counted.
        code = _COMMENT.sub(lambda found: " " * len(found[0]), text).replace("\\\n", f"{_JOINED} ")
        self._note("infra.ci.present", file, code, 0)
        for found in _LOADSTONE.finditer(code):
            command, options = found[1], found[2]
            self._note("infra.ci.load_test.present", file, code, found.start())
            if command == "run" or "--require" in options or "--baseline" in options:
                self._note("infra.ci.load_gate.present", file, code, found.start())
            if "--baseline" in options:
                self._note("infra.ci.regression_gate.present", file, code, found.start())
        for found in _LOAD.finditer(code):
            self._note("infra.ci.load_test.present", file, code, found.start())
        at = 0
        for line in code.split("\n"):
            if _EVALUATES.search(line) and _RUNS.search(line):
                self._note("infra.ci.evaluation.present", file, code, at)
                if _LEAST.search(line):
                    self._note("infra.ci.evaluation_gate.present", file, code, at)
            at += len(line) + 1
        return "pipeline"

    def _note(self, name: str, file: Path, code: str, at: int) -> None:
        line = code.count("\n", 0, at) + code.count(_JOINED, 0, at) + 1
        self._seen.setdefault(name, (str(file), line))

    def findings(self) -> Findings:
        """What was seen, each with its line."""
        found = Findings(self.system)
        for name, (file, line) in self._seen.items():
            found.add(name, True, file, line)
        return found
