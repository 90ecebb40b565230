"""Training as it is asked for: one run or a series of runs, begun or continued."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import series, single
from .code import absolute
from .config import TrainConfig, flag, merge, read_toml, resolve_paths
from .data.load import TrainingData
from .errors import DataError, UsageError
from .hooks.plugin import Plugin
from .hooks.registry import spell_plugins
from .prepare import Recorded, make_plugins
from .run_folder import SERIES, choose, read_json
from .single import Result


def train(
    config: TrainConfig | None = None,
    *,
    plugins: str | Sequence[str] | Sequence[Plugin] | None = None,
    origins: Mapping[str, str] | None = None,
    code: Recorded | None = None,
    overwrite: bool = False,
    data: TrainingData | None = None,
    **options: Any,
) -> Result:
    """Train with the options of `titlekit train`, e.g. ``train(train="t.csv", plugins="focal")``.

    Give options by name or as a TrainConfig. `plugins`: a spelling, a list of names, or a list of
    Plugin instances. `data`: rows that are in memory already; nothing is read then. With `folds`
    or `seeds` the result is a Series.
    """
    made = None
    if isinstance(plugins, str):
        options["plugins"] = plugins
    elif plugins is not None:
        names = [plugin for plugin in plugins if isinstance(plugin, str)]
        made = [plugin for plugin in plugins if not isinstance(plugin, str)]
        if names and made:
            raise UsageError("plugins: give names or Plugin instances, not both in one list")
        if names:
            options["plugins"], made = ",".join(names), None
    if config is None:
        config, origins = merge([("Python", options)])
    elif options:
        raise UsageError("give a TrainConfig or options by name, not both")
    config.check()
    folder = choose(config.out, overwrite)
    made = make_plugins(config, code) if made is None else made
    if not config.several:
        return _told(single.begin(config, origins or {}, made, folder, overwrite, data))
    if data is not None:
        raise UsageError("rows in memory train one run; leave out folds and seeds")
    return series.begin(config, origins or {}, made, folder, overwrite)


def resume(folder: str | Path, given: Mapping[str, Any] | None = None) -> Result:
    """Continue a run or a series of runs that was stopped, from its folder alone.

    `given` are options that the person repeats; one that differs is refused by name.
    """
    folder = Path(folder)
    several = (folder / SERIES).is_file()
    described = read_json(folder / (SERIES if several else "run.json"))
    if described.get("status") == "finished":
        what = "those runs are" if several else "that run is"
        raise UsageError(f"--resume {folder}: {what} finished; there is nothing to continue")
    values = read_toml(str(folder / "config.toml"))
    recorded = values.pop("code", {})
    given = dict(given or {})
    allow = bool(given.pop("allow_code", False))
    config, origins = merge([("config.toml", {**values, "out": str(folder)})])
    config = dataclasses.replace(config, allow_code=allow)
    made = make_plugins(config, dict.fromkeys(("plugins", "metric"), recorded))
    _refuse_changes(config, made, given)
    if several != config.several:
        raise UsageError(f"--resume {folder}: config.toml is not that of the runs in the folder")
    if several:
        return series.go_on(config, origins, made, folder)
    return _told(single.go_on(config, origins, made, folder))


def _told(ended: single.Ended) -> Result:
    """Return what a run leaves, or raise what was wrong with its test file."""
    folder = ended.result.folder
    if ended.fault is None:
        return ended.result
    raise DataError(
        f"{ended.fault}; the training is done and kept in {folder}: mend the test file, then "
        f"titlekit evaluate {folder} FILE"
    )


def _refuse_changes(config: TrainConfig, made: Sequence[Plugin], given: Mapping[str, Any]) -> None:
    asked, _ = merge([("command line", given)])
    asked = resolve_paths(asked)
    for name in given:
        name = name.replace("-", "_")
        now, then = getattr(asked, name), getattr(config, name)
        if name == "plugins":
            now, then = spell_plugins(make_plugins(asked)), spell_plugins(made)
        if name == "metric":
            now = absolute(now)
        if name == "model" and then.partition("@")[0] == now:
            continue  # the run keeps the commit that the name stood for
        if now != then and name != "out":
            raise UsageError(
                f"--resume: {flag(name)} is {getattr(asked, name)!r} here and was "
                f"{getattr(config, name)!r} when the run began; leave it out, or start a new run"
            )
