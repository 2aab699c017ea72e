"""From a reference to a model in the cache: asked for and fetched only where that is needed.

A reference is asked anew when an hour has passed since it was, or at the user's wish; a version (`:v3`) never comes to
mean another model, so what it means is asked once. What is in the cache is never fetched again. Where nothing has to be
asked, no process is started and the client library is not touched.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry import files, manifests
from foundry.artifacts.cache import ModelCache, Resolution, size_of
from foundry.artifacts.references import SCHEME, WandbReference
from foundry.errors import FoundryError, UserError
from foundry.manifests import MANIFEST_NAME, WEIGHTS_NAME

HOURS_UNTIL_ASKED_AGAIN = 1
SILENCE_SECONDS = 60.0
"""How long a download may stand still before it is given up."""


@dataclass(frozen=True)
class Fetching:
    """How models are fetched.

    Attributes:
        offline: take the last answer of the registry, however old it is, and speak to nobody.
        refresh: ask the registry, however new its last answer is.
        silence: seconds that a download may stand still before it is given up.
        say: is told, a line at a time, what is waited for, done again, or done.
        on_progress: is told how many bytes of how many are there.
    """

    offline: bool = False
    refresh: bool = False
    silence: float = SILENCE_SECONDS
    say: Callable[[str], None] = lambda _line: None
    on_progress: Callable[[int, int], None] = lambda _done, _total: None

    def __post_init__(self) -> None:
        if self.offline and self.refresh:
            raise UserError("--offline and --refresh exclude each other: leave one of them out")


@contextlib.contextmanager
def fetched_model(
    reference: str, how: Fetching, require_model: Callable[[Path], None], digest: str | None = None
) -> Iterator[Path]:
    """The folder of a model in the cache, verified to its last byte; it stays while the block runs.

    One that is damaged is removed, and fetched again.

    Args:
        require_model: is given the folder of a model that was fetched, before it comes into the cache; raises where it
            is none.
        digest: SHA-256 of the manifest.json of the model that it must be, where that is known.

    Raises:
        UserError: the reference has not the form of one, or leads to no model; or it is not in the cache, and `how`
            allows nobody to be asked.
        FoundryError: the registry cannot be reached, or what it sent is not what it lists.
    """
    cache, wanted = ModelCache.of_user(), WandbReference.parse(reference)
    for _attempt in ("the cache as it is", "fetched again"):
        found = _in_cache(cache, wanted, how, require_model, digest)
        with cache.in_use(found) as folder:
            problem = cache.problem_of(found)
            if problem is None:
                yield folder
                return
        if how.offline:
            raise FoundryError(f"{wanted}: is damaged in the cache: {problem}; without --offline it is fetched again")
        how.say(f"{wanted}: is damaged in the cache: {problem}; it is fetched again")
        cache.remove_damaged(found)
    raise FoundryError(f"{wanted}: is damaged in the cache as soon as it is there: {problem}; is the disk failing?")


def _in_cache(
    cache: ModelCache,
    wanted: WandbReference,
    how: Fetching,
    require_model: Callable[[Path], None],
    digest: str | None,
) -> str:
    """The digest of a model that the cache holds, fetched now if it did not."""
    if digest is not None and cache.holds(digest):
        return digest
    known = cache.resolution(wanted)
    if how.offline:
        return _known_offline(cache, wanted, known)
    if known is not None and cache.holds(known.digest) and not how.refresh and _is_current(known, wanted):
        return known.digest
    with cache.asking_for(wanted, how.say):
        answered = cache.resolution(wanted)
        if answered is not None and answered != known and cache.holds(answered.digest):
            return answered.digest  # another process has just asked, and we have waited for it
        resolution = _ask(cache, wanted, how, require_model, digest, known)
        cache.remember(resolution)
        return resolution.digest


def _known_offline(cache: ModelCache, wanted: WandbReference, known: Resolution | None) -> str:
    if known is None or not cache.holds(known.digest):
        raise UserError(f"{wanted}: is not in the cache; fetch it once without --offline")
    return known.digest


def _is_current(known: Resolution, wanted: WandbReference) -> bool:
    if wanted.is_version:
        return True
    age = datetime.datetime.now(datetime.UTC) - known.time
    return datetime.timedelta() <= age < datetime.timedelta(hours=HOURS_UNTIL_ASKED_AGAIN)


def _ask(
    cache: ModelCache,
    wanted: WandbReference,
    how: Fetching,
    require_model: Callable[[Path], None],
    digest: str | None,
    known: Resolution | None,
) -> Resolution:
    """What a reference means now; its model is in the cache then."""
    from foundry.wandb_client.process import ServiceTooSlow, ServiceUnreachable

    fetched = cache.fetched_versions()
    cache.root.mkdir(parents=True, exist_ok=True)
    cache.remove_remains()
    with files.temporary_folder(cache.root, cache.name_of(wanted)) as staging:
        folder = staging / "model"
        folder.mkdir()
        try:
            answer = _answer(wanted, folder, sorted(fetched), how)
        except ServiceUnreachable as problem:
            patience = "; --download-timeout gives it longer" if isinstance(problem, ServiceTooSlow) else ""
            raise ServiceUnreachable(f"{problem}{patience}{_remedy(cache, known)}") from None
        artifact_id, version = answer["artifact_id"], WandbReference.parse(f"{SCHEME}{answer['version']}")
        if artifact_id in fetched:
            found = fetched[artifact_id]
        else:
            _require_whole(wanted, folder, answer["files"], digest)
            require_model(folder)
            found = cache.admit(folder, version, artifact_id)
            how.say(f"fetched {version}, {size_of(cache.folder(found)) / 1e6:,.1f} MB")
    return Resolution(
        reference=str(wanted),
        version=str(version),
        artifact_id=artifact_id,
        digest=found,
        time=datetime.datetime.now(datetime.UTC),
    )


def _answer(wanted: WandbReference, folder: Path, fetched: list[str], how: Fetching) -> dict[str, Any]:
    from foundry.wandb_client.process import ask

    request = {"act": "fetch", "artifact": wanted.path, "folder": str(folder.absolute()), "fetched": fetched}
    return ask(request, silence=how.silence, on_progress=how.on_progress)


def _remedy(cache: ModelCache, known: Resolution | None) -> str:
    if known is None or not cache.holds(known.digest):
        return ""
    return f"; --offline takes {known.version}, which it meant at {known.time:%Y-%m-%d %H:%M} UTC"


def _require_whole(wanted: WandbReference, folder: Path, received: dict[str, str], digest: str | None) -> None:
    """Compare what was received with the model's own manifest.

    Args:
        received: SHA-256 of each file that was received.

    Raises:
        FoundryError: a file is missing or is another one.
    """
    try:
        manifest = manifests.verify_outline(folder, (WEIGHTS_NAME,))
    except ValueError as problem:
        raise FoundryError(f"{wanted}: is damaged in the registry: {problem}; nothing was kept") from None
    expected = manifest.digests | {MANIFEST_NAME: digest or received[MANIFEST_NAME]}
    wrong = sorted(name for name in expected.keys() | received.keys() if expected.get(name) != received.get(name))
    if wrong:
        raise FoundryError(
            f"{wanted}: does not have the SHA-256 that {'the run' if digest else MANIFEST_NAME} lists "
            f"({', '.join(wrong)}); nothing was kept"
        )
