"""Reads a run file (`run_file.py` shows one): each key of the right kind, or refused with file and line."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from app.cli.run_file import (
    CODE_KEYS,
    HERE,
    KEYS,
    LOAD_KEYS,
    PORT,
    PYTHON,
    SCHEMA,
    START_DEADLINE_S,
    START_KEYS,
    TRIAL_PORT,
    ReportFile,
    RunFile,
    Start,
    at_port,
)
from app.cli.user_code import is_user_code
from assessments.checked_values import CheckedValues, kind_of, line_at, nearest
from probes.documents import DocumentError, Located, line_of
from probes.errors import UsageError
from probes.slo import parse_seconds

if TYPE_CHECKING:
    from app.cli.checks import CheckAddress
    from assessments.claims import Answers
    from assessments.lens import Lens
    from probes.load.spec import LoadSpec

_SYSTEM = re.compile(r"([a-z_]+)=(\S+)")
_OPTION = re.compile(r"--([a-z][a-z-]*)")
Made = TypeVar("Made")


OF_SERVICES = (
    "start", "with", "method", "headers", "body", "bodies", "expect_status", "allow_remote", "ca", "insecure",
    "proto", "streams", "client",
)  # fmt: skip
"""Keys that say nothing of code of one's own, which the probe starts and calls itself."""


class RunFileReader(CheckedValues):
    """Reads one file."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path
        self.folder = path.absolute().parent

    def run_file(self, document: Any, reports: Sequence[Path]) -> RunFile:
        root = self.mapping(document, None, "a run file")
        self.keys(root, "a run file", ("assessment",), KEYS)
        if root.get("schema", SCHEMA) != SCHEMA:
            raise self.wrong(
                root, "schema", f"the schema of a run file is {SCHEMA}: write that, or leave it out"
            )
        target = self.text(root, "target") if "target" in root else None
        if target is None and "answers" not in root:
            raise self.wrong(root, None, "there is nothing to do: give target, answers, or both")
        if target is None:
            self.belong_to_a_target(root)
        elif is_user_code(target):
            self.belong_to_a_service(root)
        start = self.start(root, target)
        answers, lens = self.judging(root)
        if "report" in root and answers is None and not reports:
            raise self.wrong(root, "report", "a report needs answers: add answers, or leave report out")
        paths, live, workload = self.scan(root)
        found = RunFile(
            path=self.path,
            assessment=self.name(root),
            title=self.text(root, "title") if root.get("title") is not None else "",
            target=target,
            request=self.request(root),
            start=start,
            spec=self.spec(root, answers),
            checks=self.checks(root),
            answers=answers,
            lens=lens,
            paths=paths,
            live=live,
            workload=workload,
            evidence=tuple(self.folder / name for name in self.texts(root, "evidence")),
            reports=tuple(self.report(root, self.folder / name) for name in self.texts(root, "report"))
            if not reports
            else tuple(self.report(None, name) for name in reports),
        )
        if target is not None:
            self.check_target(root, found)
        return found

    def belong_to_a_target(self, root: Mapping[str, Any]) -> None:
        for key in ("start", "load", "with", "require", "body", "bodies", "method", "headers"):
            if key in root:
                raise self.wrong(root, key, f"{key} says nothing without a target: add target")

    def belong_to_a_service(self, root: Mapping[str, Any]) -> None:
        for key in OF_SERVICES:
            if key in root:
                instead = ": give sample" if key in ("body", "bodies") else ": leave it out"
                raise self.wrong(root, key, f"{key} is not for code of your own{instead}")

    def name(self, root: Mapping[str, Any]) -> str:
        from assessments.store.assessment_rows import check_name

        try:
            return check_name(self.text(root, "assessment"), "the name of an assessment")
        except DocumentError:
            raise
        except UsageError as error:
            raise self.wrong(root, "assessment", str(error)) from error

    def start(self, root: Mapping[str, Any], target: str | None) -> Start | None:
        if "start" not in root:
            if target is not None and PORT in target:
                raise self.wrong(root, "target", f"{PORT} is of a target that is started here: add start")
            return None
        value = root["start"]
        table = value if isinstance(value, Mapping) else _placed({"command": value}, line_at(root, "start"))
        self.keys(table, "start", ("command",), START_KEYS[1:])
        start = Start(
            command=tuple(self.filled(part) for part in self.command(table)),
            ready=self.text(table, "ready") if table.get("ready") is not None else None,
            folder=self.folder / self.text(table, "folder") if table.get("folder") else self.folder,
            environment={
                str(name): self.filled(str(entry))
                for name, entry in self.mapping(
                    table.get("environment", {}), table, "environment", "environment"
                ).items()
            },
            deadline_s=self.seconds(table, "deadline", START_DEADLINE_S),
            end_one=self.boolean(table, "end_one"),
            instances=self.instances(table),
        )
        assert target is not None, "start without a target was refused before"
        if PORT in target and not start.is_given_its_port and start.ready is not None:
            raise self.wrong(
                table,
                "ready",
                f"ready needs a port that is known: give the command {PORT}, or leave ready out",
            )
        if start.ready is None and start.is_given_its_port:
            raise self.wrong(table, None, "start needs 'ready', a path that answers when the target is ready")
        if start.ready is None and PORT not in target:
            raise self.wrong(
                table, None, f"start needs 'ready', or {PORT} in target where the command prints its port"
            )
        if start.instances > 1 and PORT not in target:
            raise self.wrong(table, "instances", f"instances need a port each: write {PORT} in target")
        if not start.folder.is_dir():
            raise self.wrong(table, "folder", f"the folder {start.folder} is not there: name one that is")
        return start

    def instances(self, table: Mapping[str, Any]) -> int:
        from app.cli.starting import MOST_INSTANCES

        count = table.get("instances", 1)
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_INSTANCES:
            raise self.wrong(
                table, "instances", f"instances is how many are started: write 1 to {MOST_INSTANCES}"
            )
        return count

    def command(self, table: Mapping[str, Any]) -> list[str]:
        value = table["command"]
        if isinstance(value, list):
            parts = [part if isinstance(part, str) else _plain_number(part) for part in value]
        else:
            try:
                parts = list(shlex.split(self.text(table, "command")))
            except ValueError as error:
                raise self.wrong(
                    table, "command", f"the command cannot be split into words: {error}"
                ) from error
        if not parts or None in parts or not parts[0]:
            raise self.wrong(table, "command", "command is a list of words, or a line of them")
        return [part for part in parts if part is not None]

    def filled(self, text: str) -> str:
        return text.replace(PYTHON, sys.executable).replace(HERE, str(self.folder))

    def seconds(self, table: Mapping[str, Any], key: str, otherwise: float) -> float:
        if table.get(key) is None:
            return otherwise
        try:
            return parse_seconds(str(table[key]))
        except UsageError as error:
            raise self.wrong(table, key, str(error)) from error

    def judging(self, root: Mapping[str, Any]) -> tuple[Answers | None, Lens | None]:
        """The answers and the lens that they answer."""
        if "answers" not in root:
            if "lens" in root:
                raise self.wrong(root, "lens", "a lens says nothing without answers: add answers")
            return None, None
        from app.assessing import lens_for, read_answers_file
        from assessments.claims import SCHEMA as ANSWERS
        from assessments.claims import answers_of

        value = root["answers"]
        folder = self.folder
        if isinstance(value, Mapping):
            whole = value if "schema" in value else _placed({"schema": ANSWERS, **value}, None, value)
            answers = answers_of(whole, self.file)
        else:
            file = self.folder / self.text(root, "answers")
            answers = self.at(root, "answers", lambda: read_answers_file(file, self.shown(file)))
            folder = file.parent
        named = self.text(root, "lens") if root.get("lens") is not None else None
        lens = self.at(
            root, "lens" if named else "answers", lambda: lens_for(answers, folder, named, self.folder)
        )
        answers.check(lens)
        return answers, lens

    def shown(self, file: Path) -> str:
        """A file as messages name it: as the path of the run file was given."""
        try:
            return str(Path(self.file).parent / file.relative_to(self.folder))
        except ValueError:
            return str(file)

    def at(self, root: Mapping[str, Any], key: str, make: Callable[[], Made]) -> Made:
        """What `make` returns; an error without file and line gets those of the key."""
        try:
            return make()
        except DocumentError:
            raise
        except UsageError as error:
            raise self.wrong(root, key, str(error)) from error

    def spec(self, root: Mapping[str, Any], answers: Answers | None) -> LoadSpec:
        """The load, by the same reading as the options of `probe`."""
        from app.cli import probe

        load = self.mapping(root.get("load") or {}, root, "load", "load")
        self.keys(load, "load", (), LOAD_KEYS)
        argv = ["http://127.0.0.1"]
        for key, value in load.items():
            if value is None or value is False:
                continue
            option = f"--{key.replace('_', '-')}"
            word = "" if value is True else self.word(load, key)
            if key == "replay":  # a file beside this one
                word = str(self.folder / word)
            argv.append(option if value is True else f"{option}={word}")
        slo = root.get("slo")
        if slo is None and answers is not None:
            from assessments.growth_profiles import with_declared

            slo = with_declared(answers.profile).values.get("slo")
        if slo is not None:
            argv.append(f"--slo={slo if isinstance(slo, str) else self.word(root, 'slo')}")
        argv += [f"--require={text}" for text in self.texts(root, "require")]
        try:
            options = probe.parser().read(argv)
            probe.refuse_contradictions(options)
            return probe.spec_of(options)
        except UsageError as error:
            raise self.said_of_options(root, load, error) from error

    def said_of_options(
        self, root: Mapping[str, Any], load: Mapping[str, Any], error: UsageError
    ) -> UsageError:
        """An error about options in the words of the file, at the line of what it is about."""
        message = str(error).replace("loadstone probe --help", "loadstone run --help")
        names = [name.replace("-", "_") for name in _OPTION.findall(message)]
        message = _OPTION.sub(lambda found: found[1].replace("-", "_"), message)
        for name in names:
            if name in load:
                return self.wrong(load, name, message)
        for key, value in (*load.items(), *((key, root[key]) for key in ("slo", "require") if key in root)):
            words = [str(entry) for entry in value] if isinstance(value, list) else [str(value)]
            if any(quoted in word for quoted in re.findall(r"'([^']+)'", message) for word in words):
                return self.wrong(load if key in load else root, key, message)
        return self.wrong(root, "load" if "load" in root else "slo" if "slo" in root else None, message)

    def word(self, table: Mapping[str, Any], key: str) -> str:
        value = table[key]
        if isinstance(value, list):
            return ",".join(str(entry) for entry in value)
        if isinstance(value, Mapping) or value == "":
            raise self.wrong(table, key, f"{key} is a value, not {kind_of(value)}")
        return str(value)

    def request(self, root: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of `parse_target` but the address; of code of one's own, of `parse_user_code`."""
        from app.cli.inputs import read_bodies, read_body
        from app.cli.probe import MOST_STREAMS

        if isinstance(root.get("target"), str) and is_user_code(root["target"]):
            return self.code_request(root)
        for key in CODE_KEYS:
            if key in root:
                raise self.wrong(root, key, f"{key} is for code of your own (python:, model:, command:)")
        request: dict[str, Any] = {}
        if root.get("proto") is not None:
            request["proto"] = str(self.folder / self.text(root, "proto"))
        for key in ("allow_remote", "insecure"):
            if self.boolean(root, key):
                request[key] = True
        if root.get("ca") is not None:
            request["ca"] = str(self.folder / self.text(root, "ca"))
        for key in ("method", "expect_body", "client"):
            if root.get(key) is not None:
                request[key] = self.text(root, key)
        if root.get("expect_status") is not None:
            request["expect_status"] = int(self.number(root, "expect_status", 100, 599))
        if root.get("streams") is not None:
            request["streams"] = int(self.number(root, "streams", 1, MOST_STREAMS))
        headers = root.get("headers")
        if isinstance(headers, Mapping):
            request["headers"] = tuple(f"{name}: {value}" for name, value in headers.items())
        elif headers is not None:
            request["headers"] = tuple(self.texts(root, "headers"))
        if "body" in root and "bodies" in root:
            raise self.wrong(root, "bodies", "give either body or bodies, not both")
        if root.get("body") is not None:
            body = root["body"]
            if isinstance(body, str) and body.startswith("@"):
                body = f"@{self.folder / body[1:]}"
            request["body"] = self.at(
                root, "body", lambda: read_body(body, "body") if isinstance(body, str) else _json(body)
            )
        if root.get("bodies") is not None:
            bodies = root["bodies"]
            if isinstance(bodies, list):
                if not bodies:
                    raise self.wrong(root, "bodies", "bodies holds no body: write one at least")
                request["bodies"] = [
                    body.encode() if isinstance(body, str) else _json(body) for body in bodies
                ]
            else:
                file = f"@{self.folder / self.text(root, 'bodies').removeprefix('@')}"
                request["bodies"] = self.at(root, "bodies", lambda: read_bodies(file, "bodies"))
        return request

    def code_request(self, root: Mapping[str, Any]) -> dict[str, Any]:
        """How code of one's own is called; `sample` is a value, or @FILE."""
        from app.cli.inputs import read_body
        from probes.targets.user_code import MOST_THREADS, MOST_WORKERS, read_sample

        request: dict[str, Any] = {}
        if "sample" in root:
            sample, kind = root["sample"], root["target"].partition(":")[0]
            file = sample[1:] if isinstance(sample, str) and sample.startswith("@") else ""
            if file:
                data = self.at(root, "sample", lambda: read_body(f"@{self.folder / file}", "sample"))
            else:
                data = sample.encode() if kind == "command" and isinstance(sample, str) else _json(sample)
            request["sample"] = self.at(root, "sample", lambda: read_sample(data, file, kind))
        if root.get("python") is not None:
            python = self.text(root, "python").replace(PYTHON, sys.executable)
            beside = self.folder / python
            request["python"] = str(beside) if beside.exists() else python
        for key, most in (("workers", MOST_WORKERS), ("threads", MOST_THREADS)):
            if root.get(key) is not None:
                request[key] = int(self.number(root, key, 1, most))
        if self.boolean(root, "spread"):
            request["spread"] = True
        if root.get("expect_body") is not None:
            request["expect_body"] = self.text(root, "expect_body")
        return request

    def check_target(self, root: Mapping[str, Any], found: RunFile) -> None:
        """Reads the target for its errors alone."""
        trial = replace(found, target=at_port(found.target or "", TRIAL_PORT))
        try:
            if found.is_code:
                found.code_probe(found.spec, self.folder)
            else:
                trial.target_at(None)
        except UsageError as error:
            message = str(error).replace("add --allow-remote", "write allow_remote: true")
            message = _OPTION.sub(lambda one: one[1].replace("-", "_"), message)
            key = next((key for key in ("headers", "expect_body", "method") if key in message), "target")
            raise self.wrong(root, key if key in root else "target", message) from error

    def checks(self, root: Mapping[str, Any]) -> tuple[CheckAddress, ...]:
        from app.cli.checks import read_check

        value = root.get("with")
        if value is None:
            return ()
        if isinstance(value, Mapping):
            texts = [f"{system}={self.capped(value, system, address)}" for system, address in value.items()]
        else:
            texts = list(self.texts(root, "with"))

        def read(text: str) -> CheckAddress:
            check = read_check(text, "with")
            if check.is_path:
                return replace(check, address=str(self.folder / check.address))
            return check

        return tuple(self.at(root, "with", partial(read, text)) for text in texts)

    def scan(
        self, root: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...], str | None]:
        """Paths and live systems to scan, and the name of the workload that serves."""
        value = root.get("scan")
        workload = self.text(root, "workload") if root.get("workload") is not None else None
        if value is None:
            return (), (), workload
        entries: list[str]
        if isinstance(value, Mapping):
            self.keys(value, "scan", (), ("paths", "live", "workload"))
            live = value.get("live")
            named = (
                [f"{system}={self.capped(live, system, address)}" for system, address in live.items()]
                if isinstance(live, Mapping)
                else list(self.texts(value, "live"))
            )
            entries = [*self.texts(value, "paths"), *named]
            workload = self.text(value, "workload") if value.get("workload") is not None else workload
        else:
            entries = list(self.texts(root, "scan"))
        paths, systems = [], []
        for entry in entries:
            if (system := _SYSTEM.fullmatch(entry)) and "://" in entry:
                systems.append((system[1], system[2]))
                continue
            path = self.folder / entry
            if not path.exists():
                raise self.wrong(
                    root, "scan", f"'{entry:.200}' is not there: name a file or a folder that is"
                )
            paths.append(str(path))
        from probes.scan import SYSTEMS

        for name, _ in systems:
            if name not in SYSTEMS:
                hint = nearest(name, SYSTEMS, f"known are {', '.join(SYSTEMS)}")
                raise self.wrong(root, "scan", f"'{name:.40}' is no system that can be scanned: {hint}")
        return tuple(paths), tuple(systems), workload

    def report(self, root: Mapping[str, Any] | None, path: Path) -> ReportFile:
        from app.cli.report import check_place, format_of

        def made() -> ReportFile:
            check_place(str(path), "")
            return ReportFile(path, format_of(None, str(path)))

        return made() if root is None else self.at(root, "report", made)

    def texts(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """A text or a list of texts; nothing where the key is absent."""
        value = table.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            return (self.text(table, key),)
        if len(value) > 1_000:
            raise self.wrong(table, key, f"{key} has {len(value)} entries: at most are 1,000")
        return tuple(self.capped(table, key, entry) for entry in value)


def _placed(values: Mapping[str, Any], line: int | None, like: object = None) -> Located:
    """A mapping that stands where another one does, or on a line."""
    found = Located(line or line_of(like) or 1)
    found.update(values)
    if isinstance(like, Located):
        found.lines.update(like.lines)
    return found


def _plain_number(value: Any) -> str | None:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
