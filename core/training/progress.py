"""A bar of steps, where stderr is a terminal."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..hooks.run import Run

log = logging.getLogger("titlekit")


@contextlib.contextmanager
def progress(run: Run) -> Iterator[Callable[[], object]]:
    """Show a bar of steps where stderr is a terminal; log lines go around it."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    quiet = None if log.isEnabledFor(logging.INFO) else True
    with (
        tqdm(total=run.total_steps, initial=run.step, unit="step", disable=quiet) as bar,
        logging_redirect_tqdm([log]) if not bar.disable else contextlib.nullcontext(),
    ):
        yield bar.update
