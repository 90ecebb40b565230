"""A classifier written for other programs, whole or not at all, and only if it answers the same."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ..config import BASELINE
from ..errors import UsageError
from ..libraries import is_installed
from ..run_folder import BAG, SERIES, write_json
from .export_bake import bake as bake_in
from .export_bake import decision_after, fold, unfolded
from .export_parity import compare, find_rows, judge, refer
from .identity import describe_model, file_sha256
from .onnx import EXPORT, OnnxPredictor, read_export
from .predictor import GRAPH, Predictor, load_run

log = logging.getLogger("titlekit")

FORMATS = ("onnx", "transformers")
QUANTIZED = ("int8",)
SCHEMA = 1  # of export.json and of how graphs are made; another one is made anew

_LIBRARIES = ("onnx", "onnxscript", "onnxruntime")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to write: `kind` is one of FORMATS, `quantize` "" or one of QUANTIZED."""

    kind: str = "onnx"
    quantize: str = ""
    baked: bool = False

    def __post_init__(self) -> None:
        if self.kind not in FORMATS:
            raise UsageError(f"--format {self.kind}: expected {' or '.join(FORMATS)}")
        if self.quantize and self.quantize not in QUANTIZED:
            raise UsageError(f"--quantize {self.quantize}: expected {' or '.join(QUANTIZED)}")
        if self.quantize and self.kind != "onnx":
            raise UsageError(f"--quantize {self.quantize} needs --format onnx")

    @property
    def folder(self) -> str:
        """The name of the folder where none is asked for."""
        parts = (self.kind, self.quantize, "baked" if self.baked else "")
        return "-".join(part for part in parts if part)


def export_run(
    run: str | Path,
    out: str | Path = "",
    wanted: Wanted | None = None,
    *,
    rows: str = "",
    text_column: str = "",
    overwrite: bool = False,
    offline: bool = False,
) -> dict[str, Any]:
    """Export a classifier into a folder and return what its export.json says, `out` added.

    `run`: whatever `load` takes for one classifier. `out`: by default RUN/onnx, RUN/onnx-int8 and
    so on, for a hub name NAME-onnx here. `rows`: the file whose texts both models answer, in
    `text_column`; by default the run's own validation rows. Raises UsageError and DataError for
    what cannot be exported, NotAlike for an export that answers otherwise; then nothing is left
    behind.
    """
    started = time.monotonic()
    wanted = wanted or Wanted()
    _need_libraries(wanted)
    name, place = str(run), _place(Path(run), str(out), wanted)
    _refuse(Path(run), place, overwrite)
    by = load_run(run, "cpu", offline)
    if isinstance(by, OnnxPredictor):
        raise UsageError(f"{name} was exported already; export the run that it came from")
    checked = find_rows(by, name, rows, text_column)
    source = describe_source(by)
    folded = fold(by, name) if wanted.baked else unfolded(by)
    reference = refer(by, checked, folded)
    if wanted.baked:
        bake_in(by.model, folded, name)
    with _beside(place) as made:
        written = _write(by, made, wanted, name)
        exported = load_run(made, "cpu")
        parity = compare(reference, exported, checked)
        judge(parity, wanted.quantize, name)
        described = {
            "titlekit": metadata.version("titlekit"), "schema": SCHEMA, "model": name,
            "source": source, "exported": {**dataclasses.asdict(wanted), **written},
            "parity": parity, "versions": _versions(wanted),
            "export_runtime": round(time.monotonic() - started, 3),
        }  # fmt: skip
        write_json(made / EXPORT, described)
        _put(made, place)
    return {"out": str(place), **described}


def describe_source(by: Predictor) -> dict[str, Any]:
    """Return what an export depends on: the weights, the decision and how texts are read."""
    told = describe_model(by)
    return {
        "sha256": told["sha256"],
        "decision": told["decision"],
        "input": {**dataclasses.asdict(by.input), "text_columns": [*by.input.text_columns]},
    }


def _write(by: Predictor, folder: Path, wanted: Wanted, name: str) -> dict[str, Any]:
    """Write all files but export.json; return what it says of the model's own."""
    from ..unpadded import refuse
    from .onnx_int8 import quantise
    from .onnx_write import write_graph

    _write_words(by, folder, wanted.baked)
    told: dict[str, Any] = {}
    file = folder / GRAPH
    if wanted.kind == "onnx":
        refuse(by.model)  # rows end to end are for torch alone
        by.model.config.save_pretrained(folder)
        write_graph(by.model, by.encoder, file, name)
        # Already there when the graph is compared, which is then read as it will be.
        write_json(folder / EXPORT, {})
        if wanted.quantize:
            told["int8_products"] = quantise(file)
        told["opset"] = _opset(file)
    else:
        by.model.save_pretrained(folder)
        file = folder / "model.safetensors"
    for path in folder.iterdir():
        path.chmod(
            folder.stat().st_mode & 0o666
        )  # safetensors writes files that others may not read
    return {"file": file.name, "sha256": file_sha256(file), "bytes": file.stat().st_size, **told}


def _write_words(by: Predictor, folder: Path, baked: bool) -> None:
    """Write the tokenizer, the decision, and of run.json what says how texts are read."""
    tokenizer = by.encoder.tokenizer
    side = "left" if by.truncation == "tail" else "right"
    tokenizer.model_max_length, tokenizer.truncation_side = by.max_length, side
    tokenizer.init_kwargs["truncation_side"] = side  # else save_pretrained forgets it
    tokenizer.save_pretrained(folder)
    decision_after(by, baked).write(folder)
    if by.folder is not None:
        write_json(
            folder / "run.json",
            {
                "titlekit": metadata.version("titlekit"),
                "status": "finished",
                "input": {**dataclasses.asdict(by.input), "max_length": by.max_length},
            },
        )


def _need_libraries(wanted: Wanted) -> None:
    missing = [name for name in _LIBRARIES if wanted.kind == "onnx" and not is_installed(name)]
    if missing:
        raise UsageError(
            f'--format onnx needs {" and ".join(missing)}: pip install "titlekit[onnx]"'
        )


def _place(run: Path, out: str, wanted: Wanted) -> Path:
    if out:
        return Path(out)
    return run / wanted.folder if run.is_dir() else Path(f"{run.name}-{wanted.folder}")


def _refuse(run: Path, place: Path, overwrite: bool) -> None:
    """Refuse what is no single classifier, and a place that holds something."""
    if (run / BAG).is_file():
        raise UsageError(
            f"{run}: a run of {BASELINE}, which has no encoder to export; predict answers with it "
            "without torch as it is"
        )
    if (run / SERIES).is_file():
        inside = sorted(path.name for path in run.iterdir() if (path / "config.json").is_file())
        one = f": titlekit export {run / inside[0]}" if inside else ""
        raise UsageError(f"{run}: several runs, and an export is of one; name it{one}")
    if place.parent != Path(run) and not place.parent.is_dir():
        raise UsageError(f"--out {place}: there is no folder {str(place.parent)!r}")
    if place.exists() and place.resolve() == run.resolve():
        raise UsageError(f"--out {place} is the model itself; choose another folder")
    if os.path.lexists(place) and not (place.is_dir() and not any(place.iterdir())):
        if not overwrite:
            raise UsageError(f"{place} exists; choose another --out, or replace it: --overwrite")
        if not read_export(place):
            raise UsageError(
                f"{place} is no exported model (no {EXPORT}), so --overwrite deletes nothing; "
                "choose another --out"
            )


@contextlib.contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """Give a new folder beside a place, which is gone in the end unless it was renamed."""
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as beside:
        made = Path(beside) / place.name  # its own folder: a temporary one is closed to others
        made.mkdir()
        yield made


def _put(made: Path, place: Path) -> None:
    """Let a folder appear under its name; one that is there goes as a whole."""
    if os.path.lexists(place):
        os.replace(place, made.with_name(f"{place.name}.old"))
    os.replace(made, place)


def _opset(file: Path) -> int:
    import onnx

    given: Sequence[Any] = onnx.load(str(file), load_external_data=False).opset_import
    return next(int(one.version) for one in given if one.domain in ("", "ai.onnx"))


def _versions(wanted: Wanted) -> dict[str, str]:
    names = ("torch", "transformers", "tokenizers", *(_LIBRARIES if wanted.kind == "onnx" else ()))
    return {name: metadata.version(name) for name in names}


def describe(found: dict[str, Any]) -> str:
    """Return what export.json says, in one line for a person."""
    exported, parity = found["exported"], found["parity"]
    accuracy = ""
    if parity["accuracy"] is not None:
        accuracy = f", accuracy {100 * parity['accuracy']:.2f} -> " \
            f"{100 * parity['accuracy_exported']:.2f} %"  # fmt: skip
    return (
        f"{exported['file']}: {exported['bytes'] / 1e6:,.1f} MB in {found['export_runtime']:.0f} "
        f"seconds; on {parity['rows']:,} rows of {parity['file']} "
        f"{100 * parity['label_agreement']:.2f} % of the labels are the same, probabilities differ "
        f"by {parity['max_probability_difference']:.2g} at most{accuracy}"
    )
