"""Hostile models and tokenizers: planted into a published artifact, a Hugging Face folder, or a tokenizer's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from foundry.manifests import MANIFEST_NAME, WEIGHTS_NAME
from foundry.testing.damage import change_manifest, forge_digests
from foundry.testing.hostile import payloads
from foundry.testing.hostile.item import Hostile
from foundry.testing.hostile.runs import content_for, special_for

Plant = Callable[[Path, Path], None]
CUSTOM = "custom"
"""The module of code that a configuration asks to be imported."""
TOKENIZER = "tokenizer.json"


def artifacts() -> Iterator[Hostile]:
    """What is planted into a published model; none of it may be loaded."""
    for says, content in payloads.HEADERS.items():
        yield Hostile(f"{says} in its weights", "the reader of tensors", _forged(content_for(WEIGHTS_NAME, content)))
    yield Hostile("a pickle for its weights", "whoever unpickles", _forged(_pickle(WEIGHTS_NAME)))
    yield Hostile("a file of torch.save for its weights", "whoever unpickles", _forged(_torch_file(WEIGHTS_NAME)))
    yield Hostile("only a pytorch_model.bin", "whoever unpickles", _forged(_only_torch_file))
    yield Hostile("a manifest above its folder", "whoever opens what is listed", _listed_above)
    yield Hostile("a manifest of 3 GB", "whoever reads a whole file", special_for(MANIFEST_NAME, payloads.sparse))
    yield Hostile("a named pipe for its manifest", "whoever waits", special_for(MANIFEST_NAME, payloads.named_pipe))
    yield Hostile("a billion laughs for its configuration", "the reader of YAML", _forged(_laughs))
    for key, value in {"layers": "9999", "hidden_size": "16000000", "intermediate_hidden_size": "16000000"}.items():
        yield Hostile(f"{value} for {key}", "whoever makes what is described", _forged(_resized(key, value)))
    yield Hostile("a link for its tokenizer", "whoever follows links", _linked_tokenizer)
    for item in tokenizers():
        yield Hostile(f"{item.name} inside", item.attacks, _forged(_below("tokenizer", item.plant)))


def tokenizers() -> Iterator[Hostile]:
    """What is planted into the folder of a pretrained tokenizer; none of it may be loaded."""
    texts: dict[str, bytes] = {
        "a tokenizer that is binary": bytes(range(256)),
        "a tokenizer nested without end": payloads.deep_json(),
        "a tokenizer of nothing": b"{}",
        "a tokenizer with a token of number 4,294,967,000": _sparse_vocabulary(4_294_967_000),
        "a tokenizer with a negative token": _sparse_vocabulary(-1),
    }
    for says, content in texts.items():
        yield Hostile(says, "the reader of tokenizers", content_for(TOKENIZER, content))
    yield Hostile("a pickle for a tokenizer", "whoever unpickles", _pickle(TOKENIZER))
    yield Hostile("a tokenizer of 300 MB", "whoever reads a whole file", special_for(TOKENIZER, payloads.sparse_300_mb))
    yield Hostile("a named pipe for a tokenizer", "whoever waits", special_for(TOKENIZER, payloads.named_pipe))
    yield Hostile("settings that are a list", "the reader of settings", content_for("tokenizer_config.json", b"[]"))
    deep = content_for("tokenizer_config.json", payloads.deep_json())
    yield Hostile("settings nested without end", "the reader of settings", deep)
    yield Hostile("a class of its own, with its code", "whoever imports what is named", _tokenizer_class)
    yield Hostile("sentencepiece of noise", "its reader", content_for("sentencepiece.model", bytes(range(256)) * 9))
    yield Hostile("sentencepiece of nothing", "its reader", content_for("sentencepiece.model", b""))
    yield Hostile("a pickle for sentencepiece", "whoever unpickles", _pickle("sentencepiece.model"))
    pipe = special_for("sentencepiece.model", payloads.named_pipe)
    yield Hostile("a named pipe for sentencepiece", "whoever waits", pipe)


def hugging_face_folders() -> Iterator[Hostile]:
    """What is planted into a folder that `transformers` saved; none of it may be loaded."""
    yield Hostile("only a pytorch_model.bin", "whoever unpickles", _only_torch_file)
    yield Hostile("a pickle for the weights", "whoever unpickles", _pickle(WEIGHTS_NAME))
    yield Hostile("a model of its own, with its code", "whoever imports what is named", _model_class("own"))
    yield Hostile("a tokenizer of its own, with its code", "whoever imports what is named", _tokenizer_class)
    yield Hostile("an index of weights above the folder", "whoever opens what is listed", _index_above)
    deep = content_for("config.json", payloads.deep_json())
    yield Hostile("a configuration nested without end", "the reader of configurations", deep)
    yield Hostile("a configuration of 3 GB", "whoever reads it all", special_for("config.json", payloads.sparse))
    for key, value in {"n_layer": 10**9, "vocab_size": 10**12, "n_embd": 10**12}.items():
        yield Hostile(f"{value:,} for {key}", "whoever makes what is described", _configured(key, value))
    yield Hostile(
        "a named pipe beside the model", "whoever waits", special_for("generation_config.json", payloads.named_pipe)
    )


def harmless_code() -> Iterator[Hostile]:
    """Code beside a model of a known kind: the model may be loaded, the code may not be run."""
    yield Hostile("a known model with code of its own", "whoever imports what is named", _model_class("gpt2"))


def _forged(plant: Plant) -> Plant:
    def forge(folder: Path, canary: Path) -> None:
        plant(folder, canary)
        forge_digests(folder)

    return forge


def _below(name: str, plant: Plant) -> Plant:
    return lambda folder, canary: plant(folder / name, canary)


def _pickle(name: str) -> Plant:
    def plant(folder: Path, canary: Path) -> None:
        (folder / name).write_bytes(payloads.pickle_of(canary))

    return plant


def _torch_file(name: str) -> Plant:
    return lambda folder, canary: payloads.torch_file_of(canary, folder / name)


def _only_torch_file(folder: Path, canary: Path) -> None:
    (folder / WEIGHTS_NAME).unlink()
    payloads.torch_file_of(canary, folder / "pytorch_model.bin")


def _listed_above(folder: Path, _canary: Path) -> None:
    entry = {"sha256": "0" * 64, "bytes": 0}
    change_manifest(folder, lambda content: content["files"].update({"../../small.yaml": entry}))


def _laughs(folder: Path, _canary: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    (folder / "config.yaml").write_text("\n".join(lines), encoding="utf-8")


def _resized(key: str, value: str) -> Plant:
    def plant(folder: Path, _canary: Path) -> None:
        path = folder / "config.yaml"
        lines = path.read_text(encoding="utf-8").splitlines()
        changed = [f"  {key}: {value}" if line.startswith(f"  {key}:") else line for line in lines]
        assert changed != lines, f"config.yaml has no {key}"
        path.write_text("\n".join(changed), encoding="utf-8")

    return plant


def _linked_tokenizer(folder: Path, canary: Path) -> None:
    moved = (folder / "tokenizer").rename(canary.parent / "moved-tokenizer")
    (folder / "tokenizer").symlink_to(moved)


def _sparse_vocabulary(number: int) -> bytes:
    model = {"type": "WordLevel", "vocab": {"a": 0, "b": number}, "unk_token": "a"}
    return json.dumps({"version": "1.0", "added_tokens": [], "model": model}).encode()


def _tokenizer_class(folder: Path, canary: Path) -> None:
    """Take the tokenizer away, and name a class in a module beside."""
    (folder / TOKENIZER).unlink(missing_ok=True)
    settings = {
        "tokenizer_class": "OwnTokenizer",
        "auto_map": {"AutoTokenizer": [f"{CUSTOM}.OwnTokenizer", f"{CUSTOM}.OwnTokenizer"]},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / f"{CUSTOM}.py").write_text(payloads.code_that_makes(canary), encoding="utf-8")


def _model_class(model_type: str) -> Plant:
    def plant(folder: Path, canary: Path) -> None:
        names = {"AutoConfig": f"{CUSTOM}.OwnConfig", "AutoModelForCausalLM": f"{CUSTOM}.OwnModel"}
        _change_config(folder, {"model_type": model_type, "auto_map": names})
        (folder / f"{CUSTOM}.py").write_text(payloads.code_that_makes(canary), encoding="utf-8")

    return plant


def _configured(key: str, value: int) -> Plant:
    return lambda folder, _canary: _change_config(folder, {key: value})


def _change_config(folder: Path, changes: dict[str, Any]) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")


def _index_above(folder: Path, canary: Path) -> None:
    (folder / WEIGHTS_NAME).rename(canary.parent / "elsewhere.safetensors")
    index = {"metadata": {}, "weight_map": {"transformer.wte.weight": "../elsewhere.safetensors"}}
    (folder / f"{WEIGHTS_NAME}.index.json").write_text(json.dumps(index), encoding="utf-8")
