"""Model files as targets. What needs a runtime runs with an interpreter that has it.

`LOADSTONE_TEST_PYTHON` names one (onnxruntime, scikit-learn, skops, lightgbm, xgboost, ai-edge-litert,
torch); else the tests' own is asked. A test whose runtime is not there is skipped and says so.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from probes.errors import TargetError, UsageError
from probes.targets.hosting import Host
from probes.targets.interpreter import find_interpreter
from probes.targets.user_code import Sample, parse_user_code

PYTHON = os.environ.get("LOADSTONE_TEST_PYTHON", sys.executable)
ESTIMATORS = """
import os, pathlib
import numpy

class Sum:
    "Adds up the columns of each row; says where it was unpickled."
    n_features_in_ = 3

    def __init__(self):
        self.fitted = True

    def __setstate__(self, state):
        pathlib.Path(__file__).with_name("loaded-by").write_text(str(os.getpid()))
        self.__dict__.update(state)

    def predict(self, table):
        return numpy.asarray(table).sum(axis=1)

class Named(Sum):
    feature_names_in_ = ("a", "b", "c")

class Words:
    def predict(self, texts):
        return [len(text) for text in texts]

class Silent:
    "Has no predict."
"""

Hosting = Callable[..., Host]


@pytest.fixture
def hosting(tmp_path: Path) -> Iterator[Hosting]:
    """Starts `model:NAME` in the test's folder."""
    started: list[Host] = []

    def start(name: str, sample: Any = None, python: str = PYTHON, **options: Any) -> Host:
        given = None if sample is None else Sample((json.dumps(sample).encode(),))
        code = parse_user_code(f"model:{name}", python=python, sample=given, cwd=tmp_path, **options)
        host = Host(code, expect_body=".")
        started.append(host)
        return host.start()

    yield start
    for host in started:
        host.stop()


def predict(host: Host) -> Any:
    """The result of one call."""
    return json.loads(host.target.check(20.0).body)


@pytest.fixture
def pickled(tmp_path: Path) -> Callable[[str], str]:
    """Writes a pickle of one of `ESTIMATORS`, in another process, and returns its name."""
    (tmp_path / "estimators.py").write_text(ESTIMATORS)

    def write(name: str) -> str:
        text = f"import pickle, estimators; pickle.dump(estimators.{name}(), open('{name}.pkl', 'wb'))"
        subprocess.run([sys.executable, "-c", text], cwd=tmp_path, check=True)
        return f"{name}.pkl"

    return write


@cache
def has(python: str, module: str) -> bool:
    """Whether an interpreter can import a module."""
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def needs(*modules: str) -> None:
    """Skips the test where the interpreter for models lacks one of the modules."""
    for module in modules:
        if not has(PYTHON, module):
            pytest.skip(f"{PYTHON} has no {module}: name an interpreter that has in LOADSTONE_TEST_PYTHON")


def made(text: str, folder: Path) -> None:
    """Runs a script with the interpreter for models in the folder; a file, as TorchScript reads it."""
    (folder / "make.py").write_text(textwrap.dedent(text))
    subprocess.run([PYTHON, "-W", "ignore", "make.py"], cwd=folder, check=True, capture_output=True)


# what needs no runtime


def test_a_pickle_runs_only_in_the_child(
    hosting: Hosting, pickled: Callable[[str], str], tmp_path: Path
) -> None:
    name = pickled("Sum")
    (tmp_path / "loaded-by").unlink(missing_ok=True)
    host = hosting(name, [[1, 2, 3]], python=sys.executable)
    assert predict(host) == [6]
    assert int((tmp_path / "loaded-by").read_text()) in host.pids
    assert host.target.to_json()["model"] == "Sum"


@pytest.mark.parametrize(
    ("name", "sample", "result"),
    [
        ("Sum", [1, 2, 3], [6]),
        ("Sum", [[1, 2, 3], [4, 5, 6]], [6, 15]),
        ("Named", {"c": 3, "a": 1, "b": 2}, [6]),
        ("Named", [{"c": 3, "a": 1, "b": 2}, {"a": 0, "b": 0, "c": 1}], [6, 1]),
        ("Words", "four", [4]),
        ("Words", ["four", "fi"], [4, 2]),
    ],
)
def test_rows_come_in_every_usual_form(
    name: str, sample: Any, result: list[int], hosting: Hosting, pickled: Callable[[str], str]
) -> None:
    assert predict(hosting(pickled(name), sample, python=sys.executable)) == result


def test_the_model_says_what_it_takes(hosting: Hosting, pickled: Callable[[str], str]) -> None:
    host = hosting(pickled("Sum"), python=sys.executable)
    assert len(predict(host)) == 1
    assert host.target.sample_from == "model"
    assert host.target.to_json()["inputs"] == {"X": ["rows", 3]}


@pytest.mark.parametrize(
    ("name", "sample", "says"),
    [
        ("Words", None, "does not say what it takes: give --sample @FILE.json with rows"),
        ("Silent", None, "holds a Silent, which has no predict: save the model itself"),
        ("Sum", {"a": 1}, "names columns, of which the model knows none"),
        ("Named", {"a": 1, "b": 2}, "lacks the column 'c'"),
    ],
)
def test_what_a_model_cannot_be_called_with_is_named(
    name: str, sample: Any, says: str, hosting: Hosting, pickled: Callable[[str], str]
) -> None:
    with pytest.raises(UsageError, match=says):
        hosting(pickled(name), sample, python=sys.executable)


def test_a_pickle_that_is_cut_off_is_named(
    hosting: Hosting, pickled: Callable[[str], str], tmp_path: Path
) -> None:
    whole = (tmp_path / pickled("Sum")).read_bytes()
    (tmp_path / "cut.pkl").write_bytes(whole[: len(whole) // 2])
    says = r"cut.pkl \(\d+ bytes\) cannot be loaded as a pickle \(.*\); check that it is whole"
    with pytest.raises(UsageError, match=says):
        hosting("cut.pkl", python=sys.executable)


def test_a_class_that_is_not_there_is_a_missing_module(hosting: Hosting, tmp_path: Path) -> None:
    (tmp_path / "lost.pkl").write_bytes(b"clost_package\nModel\n.")  # the opcode of a global, and its end
    with pytest.raises(UsageError, match=r"lost\.pkl needs 'lost_package', which .* has not"):
        hosting("lost.pkl", python=sys.executable)


def test_a_model_that_ends_the_process_while_it_loads_is_told(hosting: Hosting, tmp_path: Path) -> None:
    class Ends:
        def __reduce__(self) -> tuple[Any, ...]:
            return os._exit, (9,)

    (tmp_path / "ends.pkl").write_bytes(pickle.dumps(Ends()))
    with pytest.raises(
        TargetError, match=r"ended with exit code 9 while it loaded .*; check that the file is whole"
    ):
        hosting("ends.pkl", python=sys.executable)


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("m.onnx", "onnxruntime", "onnxruntime"),
        ("m.joblib", "joblib", "scikit-learn"),
        ("m.skops", "skops", "skops"),
        ("m.ubj", "xgboost", "xgboost"),
        ("m.txt", "lightgbm", "lightgbm"),
        ("m.tflite", "ai_edge_litert", "ai-edge-litert"),
        ("m.pt2", "torch", "torch"),
        ("m.pt", "torch", "torch"),
    ],
)
def test_a_runtime_that_is_missing_is_named_with_its_install_line(
    name: str, module: str, package: str, hosting: Hosting, tmp_path: Path
) -> None:
    """In an interpreter that has nothing, whatever that of the tests has."""
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {find_interpreter(sys.executable, {}).path} -S "$@"\n')
    bare.chmod(0o755)
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(
        UsageError, match=rf"{name} needs '{module}', .* -m pip install {package}, or name the inter"
    ):
        hosting(name, python=str(bare))


# what needs the runtimes


def test_scikit_learn_by_joblib_and_skops(hosting: Hosting, tmp_path: Path) -> None:
    needs("sklearn", "joblib", "skops")
    made(
        """
        import numpy, joblib, skops.io
        from sklearn.linear_model import LinearRegression
        X = numpy.arange(12.0).reshape(6, 2)
        model = LinearRegression().fit(X, 2 * X[:, 0] + 1)
        joblib.dump(model, "line.joblib")
        skops.io.dump(model, "line.skops")
        whole = open("line.joblib", "rb").read()
        open("cut.joblib", "wb").write(whole[: len(whole) // 2])
        """,
        tmp_path,
    )
    for name in ("line.joblib", "line.skops"):
        assert predict(hosting(name, [[0.0, 1.0], [1.0, 2.0]])) == pytest.approx([1.0, 3.0])
        assert hosting(name).target.sample_from == "model"
    with pytest.raises(UsageError, match="cannot be loaded as a joblib file"):
        hosting("cut.joblib")
    with pytest.raises(TargetError, match="raised ValueError: X has 3 features"):
        hosting("line.joblib", [[1.0, 2.0, 3.0]]).target.check(20.0)


def test_onnx_by_onnxruntime(hosting: Hosting, tmp_path: Path) -> None:
    """y = x + 1 over open sizes; 16 is what is tried first."""
    needs("onnxruntime", "onnx")
    made(
        """
        import onnx, numpy
        from onnx import helper as h, TensorProto as t
        x = h.make_tensor_value_info("x", t.FLOAT, ["batch", "n"])
        y = h.make_tensor_value_info("y", t.FLOAT, ["batch", "n"])
        one = h.make_tensor("one", t.FLOAT, [1], [1.0])
        graph = h.make_graph([h.make_node("Add", ["x", "one"], ["y"])], "g", [x], [y], [one])
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 13)])
        model.ir_version = 8
        onnx.save(model, "add.onnx")
        whole = open("add.onnx", "rb").read()
        open("cut.onnx", "wb").write(whole[: len(whole) // 2])
        """,
        tmp_path,
    )
    assert predict(hosting("add.onnx", [[1.0, 2.0]])) == [[[2.0, 3.0]]]
    assert predict(hosting("add.onnx", {"x": [[1.0]]})) == [[[2.0]]]
    own = hosting("add.onnx").target
    assert own.sample_from == "model"
    assert own.to_json()["sample_shapes"] == {"x": [1, 16]}
    with pytest.raises(UsageError, match=r"cut.onnx \(\d+ bytes\) cannot be loaded as ONNX"):
        hosting("cut.onnx")


def test_lightgbm_and_xgboost(hosting: Hosting, tmp_path: Path) -> None:
    """Trees that learn whether the first column is positive."""
    needs("lightgbm", "xgboost", "numpy")
    made(
        """
        import numpy, lightgbm, xgboost
        X = numpy.random.default_rng(0).standard_normal((400, 3))
        y = (X[:, 0] > 0).astype(int)
        options = {"objective": "binary", "verbose": -1, "num_threads": 1}
        lightgbm.train(options, lightgbm.Dataset(X, y), 20).save_model("trees.txt")
        data = xgboost.DMatrix(X, y, feature_names=["a", "b", "c"])
        model = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 20)
        model.save_model("trees.ubj")
        model.save_model("trees.json")
        whole = open("trees.txt").read()
        open("cut.txt", "w").write(whole[: len(whole) // 2])
        open("notes.txt", "w").write("a tree is green")
        open("settings.json", "w").write("{}")
        """,
        tmp_path,
    )
    for name in ("trees.txt", "trees.ubj", "trees.json"):
        low, high = predict(hosting(name, [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
        assert low < 0.2
        assert high > 0.8
        assert hosting(name).target.sample_from == "model"
    assert predict(hosting("trees.ubj", {"c": 0.0, "a": 1.0, "b": 0.0}))[0] > 0.8
    for name, says in (
        ("cut.txt", "is cut off"),
        ("notes.txt", "is not a LightGBM model in text"),
        ("settings.json", "is not an XGBoost model in JSON"),
    ):
        with pytest.raises(UsageError, match=says):
            hosting(name)


def test_torch_script_and_exported_programs(hosting: Hosting, tmp_path: Path) -> None:
    needs("torch")
    made(
        """
        import torch
        class Double(torch.nn.Module):
            def forward(self, x): return x * 2
        torch.jit.script(Double()).save("double.pt")
        torch.export.save(torch.export.export(Double(), (torch.ones(1, 4),)), "double.pt2")
        torch.save({"w": torch.ones(2)}, "weights.pt")
        """,
        tmp_path,
    )
    assert predict(hosting("double.pt", [[1.0, 2.0]])) == [[2.0, 4.0]]
    assert predict(hosting("double.pt2")) == [[2.0] * 4]
    assert hosting("double.pt2").target.sample_from == "signature"
    with pytest.raises(UsageError, match="does not say what it takes: give --sample"):
        hosting("double.pt")
    with pytest.raises(UsageError, match=r"weights\.pt .* cannot be loaded as TorchScript"):
        hosting("weights.pt")


def test_tflite(hosting: Hosting, tmp_path: Path) -> None:
    """A file with one addition of two inputs of four numbers, written by the runtime's own schema."""
    needs("ai_edge_litert", "flatbuffers")
    made(
        """
        import flatbuffers
        from ai_edge_litert import schema_py_generated as s
        def tensor(name, buffer):
            made = s.TensorT()
            made.shape, made.type, made.buffer, made.name = [1, 4], s.TensorType.FLOAT32, buffer, name
            return made
        code = s.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = s.BuiltinOperator.ADD
        code.version = 1
        add = s.OperatorT()
        add.opcodeIndex, add.inputs, add.outputs = 0, [0, 1], [2]
        add.builtinOptionsType, add.builtinOptions = s.BuiltinOptions.AddOptions, s.AddOptionsT()
        graph = s.SubGraphT()
        graph.tensors = [tensor("a", 1), tensor("b", 2), tensor("out", 3)]
        graph.inputs, graph.outputs, graph.operators, graph.name = [0, 1], [2], [add], "main"
        model = s.ModelT()
        model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
        model.buffers = [s.BufferT() for _ in range(4)]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        whole = bytes(builder.Output())
        open("add.tflite", "wb").write(whole)
        open("cut.tflite", "wb").write(whole[:100])
        """,
        tmp_path,
    )
    host = hosting("add.tflite", {"a": [[1.0] * 4], "b": [[2.0] * 4]}, threads=2)
    assert [predict(host) for _ in range(4)] == [[[[3.0] * 4]]] * 4
    assert hosting("add.tflite").target.sample_from == "model"
    with pytest.raises(UsageError, match="the sample has to name the inputs: write an object with a, b"):
        hosting("add.tflite", [[1.0] * 4])
    with pytest.raises(UsageError, match="cannot be loaded as TFLite"):
        hosting("cut.tflite")
