"""Steps about downloads that break, and artifacts that are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from behave import then, when
from behave.runner import Context

from foundry.testing.fetching import ARTIFACT, BRIEF, Fetching
from foundry.testing.odd_artifacts import ODD_ARTIFACTS
from foundry.testing.registry import Registry
from foundry.testing.wandb_service import Fault
from foundry.testing.wandb_service.shelf import resize, stored_file

CANARY = "canary"
WEIGHTS = "model.safetensors"

BREAKS: dict[str, Callable[[Fetching], None]] = {
    "answers every download with 500": lambda fetching: fetching.service.inject(Fault.answer(500, "download")),
    "answers every download with 403": lambda fetching: fetching.service.inject(Fault.answer(403, "download")),
    "lists another digest of model.safetensors": lambda fetching: fetching.service.inject(
        Fault.wrong_digest(file=WEIGHTS)
    ),
    "cuts the connection in model.safetensors": lambda fetching: fetching.service.inject(
        Fault.cut(50_000, "download", file=WEIGHTS)
    ),
    "stops in the middle of model.safetensors": lambda fetching: fetching.service.inject(
        Fault.hang("download", file=WEIGHTS)
    ),
    "does not know who asks": lambda fetching: fetching.service.expire_key(),
    "is gone": lambda fetching: fetching.service.stop(),
}


def fetching_of(context: Context) -> Fetching:
    """The state of the scenario, which knows its registry."""
    found: Fetching = context.world.of(Fetching)
    found.registry = context.world.of(Registry)
    return found


@when("a text is generated from the registry while each of these is so")
def generated_while(context: Context) -> None:
    fetching = fetching_of(context)
    for row in context.table:
        break_service(fetching, row["the service"])
        ended = fetching.generate(None, *(BRIEF if "did not go on" in row["said"] else ()))
        fetching.attempts.append((row["the service"], row["said"], ended))
        left = fetching.files_in_cache
        assert not left, f"the service {row['the service']}: {left}"
        mend_service(fetching)


def break_service(fetching: Fetching, trouble: str) -> None:
    """Bring a trouble over the service."""
    place = (fetching.service, fetching.project, ARTIFACT, "best")
    if trouble.startswith("flips a byte of "):
        fetching.service.inject(Fault.flip_byte(file=trouble.rpartition(" ")[2]))
    elif trouble == "sends model.safetensors without its end":
        resize(*place, WEIGHTS, by=-100)
    elif trouble == "lists the files in something that is not JSON":
        listing = stored_file(*place, "wandb_manifest.json")
        shutil.copyfile(listing, "listing")
        listing.write_bytes(b"{" + bytes(listing.stat().st_size - 1))
    else:
        BREAKS[trouble](fetching)


def mend_service(fetching: Fetching) -> None:
    """Take all trouble from the service."""
    place = (fetching.service, fetching.project, ARTIFACT, "best")
    fetching.service.heal()
    fetching.service.renew_key()
    fetching.service.start()
    missing = Path("local-7/model.safetensors").stat().st_size - stored_file(*place, WEIGHTS).stat().st_size
    if missing:
        shutil.copyfile("local-7/model.safetensors", stored_file(*place, WEIGHTS))
        resize(*place, WEIGHTS, by=missing)
    if Path("listing").exists():
        Path("listing").replace(stored_file(*place, "wandb_manifest.json"))


@when("each of these is generated from")
def each_generated(context: Context) -> None:
    fetching = fetching_of(context)
    fetching.note()
    for row in context.table:
        fetching.attempts.append((row["reference"], row["said"], fetching.generate(row["reference"])))


@when("each of these artifacts is generated from")
def each_artifact(context: Context) -> None:
    fetching = fetching_of(context)
    Path("odd").mkdir()
    for number, row in enumerate(context.table):
        canary = Path("odd").absolute() / CANARY
        odd = ODD_ARTIFACTS[row["artifact"]]
        reference = odd.put(fetching.service, fetching.project, f"model-{number}", canary)
        fetching.attempts.append((row["artifact"], row["said"], fetching.generate(reference)))


@then("each is refused in one line that says so")
def each_refused_saying(context: Context) -> None:
    fetching = fetching_of(context)
    shown = [f"{name}: exit code {ended.exit_code}: {ended.stderr}" for name, _, ended in fetching.attempts]
    context.world.attach("what was said", "\n".join(shown))
    for name, said, ended in fetching.attempts:
        lines = refusal(ended.stderr)
        assert ended.exit_code in (1, 2), f"{name}: {ended}"
        assert ended.stdout == "", f"{name}: {ended}"
        assert len(lines) == 1 and said in lines[0] and lines[0].isprintable(), f"{name}: {said!r} is not in {lines}"


@then("each is refused in one line that says so, exit code 2")
def each_refused_as_mistake(context: Context) -> None:
    each_refused_saying(context)
    codes = [ended.exit_code for _, _, ended in fetching_of(context).attempts]
    assert codes == [2] * len(codes), codes


@then('it is refused in one line with "{text}", exit code {code:d}')
def refused_with(context: Context, text: str, code: int) -> None:
    last = fetching_of(context).last
    lines = refusal(last.stderr)
    assert last.exit_code == code, last
    assert len(lines) == 1 and text in lines[0], last.stderr


def refusal(stderr: str) -> list[str]:
    """The lines that were said, without those of progress."""
    return [line for line in stderr.splitlines() if not line.startswith("received ")]


@then("the next attempt writes the text of the local folder")
def next_attempt(context: Context) -> None:
    fetching = fetching_of(context)
    fetching.generate()
    found, expected = fetching.text_of(fetching.last), fetching.texts["v0"]
    assert found == expected, f"{found!r}, not {expected!r}"


@then("nothing of it was executed or put elsewhere")
def nothing_executed(context: Context) -> None:
    found = [str(path) for path in context.world.workspace.rglob(f"*{CANARY}*")]
    assert found == [], found
    assert not Path("/tmp", CANARY).exists()
