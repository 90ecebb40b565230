"""What tests of plugins share."""

from __future__ import annotations

import pytest

_KEPT: dict[tuple, list[str]] = {}


@pytest.fixture(scope="module")
def translated_once():
    """The same translator is loaded once for the same texts, not for each of hundreds of trainers.

    Who asks gets what the model wrote the first time.
    """
    from titlekit.core.inference import translation

    translate = translation.translate

    def once(texts, folder, device, how, seed, advance):
        asked = tuple(texts), folder, device, how, seed
        if asked not in _KEPT:
            _KEPT[asked] = translate(texts, folder, device, how, seed, advance)
        return list(_KEPT[asked])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translation, "translate", once)
        yield
