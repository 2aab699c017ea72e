"""Hostile experiment files: each is planted in place of a YAML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from foundry.testing.hostile import payloads
from foundry.testing.hostile.item import Hostile

VALID = "experiment_name: tiny\ndata: {source_corpus: corpus}\ntraining: {train_steps: 1}\n"
LEVELS = 9
NUM_KEYS = 9_000
LONG = 300_000


def experiments() -> Iterator[Hostile]:
    """What is planted in place of an experiment's file."""
    for says, text in _texts().items():
        yield Hostile(says, "the reader of YAML", _text(text))
    for function in ("os.system", "builtins.exec", "subprocess.check_output"):
        yield Hostile(f"the tag of {function}", "whoever makes what a tag names", _tag(function))
    yield Hostile("a pickle for an experiment", "whoever unpickles", _pickle)
    yield Hostile("an experiment of 3 GB", "whoever reads a whole file", _special(payloads.sparse))
    yield Hostile("a named pipe for an experiment", "whoever opens and waits", _special(payloads.named_pipe))
    yield Hostile("a socket for an experiment", "whoever opens and waits", _special(payloads.listening_socket))
    yield Hostile("an endless device for an experiment", "whoever reads to the end", _endless)
    yield Hostile("a link to itself for an experiment", "whoever follows links", _link_to_itself)


def _texts() -> dict[str, str]:
    aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, LEVELS)
    )
    merges = "m0: &m0 {a: 1}\n" + "".join(
        f"m{level}: &m{level} {{<<: [{', '.join([f'*m{level - 1}'] * 10)}]}}\n" for level in range(1, LEVELS)
    )
    return {
        "a billion laughs": VALID + aliases,
        "a billion merges": VALID + merges,
        "an alias inside itself": VALID + "a: &a [*a]\n",
        "a mapping that merges itself": VALID + "a: &a {<<: *a}\n",
        "lists without end": VALID + "a: " + "[" * payloads.DEPTH,
        "mappings without end": VALID + "a: " + "{a: " * payloads.DEPTH,
        "lines indented without end": VALID + "".join(" " * depth + "a:\n" for depth in range(1000)),
        "a million commas": VALID + "a: [" + "," * LONG + "]",
        "a million values": VALID + "a: [" + "x," * (LONG // 2) + "]",
        "a decimal number without end": VALID.replace("1}", "9" * payloads.MANY_DIGITS + "}"),
        "a hexadecimal number without end": VALID.replace("1}", "0x" + "f" * LONG + "}"),
        "a number of 60s without end": VALID.replace("1}", "1" + ":59" * (LONG // 3) + "}"),
        "a fraction of 60s without end": VALID.replace("1}", "1" + ":59" * (LONG // 3) + ".5}"),
        "a number in quotes without end": VALID.replace("1}", "'" + "9" * payloads.MANY_DIGITS + "'}"),
        "a key without end": VALID + f"? {'k' * LONG}\n: 1\n",
        "a tag without end": VALID + f"a: !{'t' * LONG} 1\n",
        "an anchor without end": VALID + f"a: &{'n' * LONG} 1\n",
        "a value without end": VALID.replace("tiny", "v" * LONG),
        "thousands of unknown keys": VALID + "".join(f"key{number}: 1\n" for number in range(NUM_KEYS // 2)),
        "terminal commands for a key": VALID + '"\\e]0;owned\\a\\n": 1\n',
        "terminal commands for a value": VALID.replace("tiny", '"\\e]0;owned\\a\\n"'),
        "half a pair for a name": VALID.replace("tiny", '"\\ud800"'),
        "a zero byte in a path": VALID.replace("corpus}", '"a\\0b"}'),
        "a zero byte in the file": VALID + "a: \0\n",
        "layers beyond every machine": VALID + "model: {layers: 1000000000000}\n",
        "a width beyond every machine": VALID + "model: {hidden_size: 1000000000000000000}\n",
        "blocks beyond every machine": VALID.replace("corpus}", "corpus, max_sequence_length: 1e18}"),
        "a name that leaves its folder": VALID.replace("tiny", "../../tiny"),
        "an option of git for a revision": VALID.replace(
            "source_corpus: corpus", "git: {repository: ., revision: --upload-pack=sh}"
        ),
    }


def _text(text: str) -> Callable[[Path, Path], None]:
    def plant(path: Path, _canary: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return plant


def _tag(function: str) -> Callable[[Path, Path], None]:
    def plant(path: Path, canary: Path) -> None:
        code = payloads.code_that_makes(canary).strip() if function == "builtins.exec" else f"touch {canary}"
        path.write_text(f'{VALID}a: !!python/object/apply:{function} ["{code}"]\n', encoding="utf-8")

    return plant


def _pickle(path: Path, canary: Path) -> None:
    path.write_bytes(payloads.pickle_of(canary))


def _special(make: Callable[[Path], None]) -> Callable[[Path, Path], None]:
    return lambda path, _canary: make(path)


def _endless(path: Path, _canary: Path) -> None:
    payloads.link(path, payloads.ENDLESS)


def _link_to_itself(path: Path, _canary: Path) -> None:
    payloads.link(path, Path(path.name))
