"""Artifacts that are no model, or a hostile one, by their names in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from foundry.manifests import WEIGHTS_NAME
from foundry.testing.damage import change_manifest, forge_digests
from foundry.testing.faults import flip_byte
from foundry.testing.hostile import ARTIFACTS, payloads
from foundry.testing.published_models import published_model
from foundry.testing.wandb_service import Fault, WandbService
from foundry.testing.wandb_service.shelf import Listing, files_below, put_artifact, resize

LARGE_BYTES = 10**17


@dataclass(frozen=True)
class Odd:
    """An artifact that is put into a service.

    Attributes:
        plant: changes the files of a model before they are put; is given the folder and the canary, see
            `foundry.testing.hostile`.
        change: changes the list of the files.
        name: what is asked for; by default the artifact's own name.
        project: what is asked for; by default the project that it is in.
        after: is given the service, the project and the name when it has been put there.
    """

    plant: Callable[[Path, Path], None] = lambda _folder, _canary: None
    change: Callable[[Listing], None] = lambda _: None
    type_: str = "model"
    name: str = ""
    alias: str = "best"
    project: str = ""
    after: Callable[[WandbService, str, str], None] = field(default=lambda _service, _project, _name: None)

    def put(self, service: WandbService, project: str, name: str, canary: Path) -> str:
        """Put it into the service; the reference to it."""
        folder = published_model(canary.parent / name)
        self.plant(folder, canary)
        put_artifact(service, project, name, files_below(folder), type_=self.type_, change=self.change)
        self.after(service, project, name)
        return f"wandb://{service.entity}/{self.project or project}/{self.name or name}:{self.alias}"


def _renamed(new: str) -> Callable[[Listing], None]:
    """Lists a further file under that name, with the content of the configuration."""
    return lambda listing: listing.update({new: dict(listing["config.yaml"])})


def _without(name: str) -> Callable[[Path, Path], None]:
    return lambda folder, _canary: (folder / name).unlink()


def _hostile(name: str) -> Callable[[Path, Path], None]:
    return ARTIFACTS[name].plant


def _newer_format(folder: Path, _canary: Path) -> None:
    change_manifest(folder, lambda content: content.update(format_version=2))


def _manifest_of_another(folder: Path, _canary: Path) -> None:
    other = published_model(folder.with_name(f"{folder.name}-other"), "llama")
    (other / "manifest.json").replace(folder / "manifest.json")


def _extra_tokenizer_file(folder: Path, _canary: Path) -> None:
    (folder / "tokenizer" / "extra.json").write_text("{}", encoding="utf-8")


def _pickle_beside(folder: Path, canary: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(payloads.pickle_of(canary))
    forge_digests(folder)


def _code_beside(folder: Path, canary: Path) -> None:
    (folder / "custom.py").write_text(payloads.code_that_makes(canary), encoding="utf-8")
    forge_digests(folder)


def _too_large(listing: Listing) -> None:
    listing[WEIGHTS_NAME]["size"] = LARGE_BYTES


def _link(listing: Listing) -> None:
    target = Path(__file__).resolve().as_uri()
    listing["tokenizer/tokenizer.json"] = {"digest": target, "ref": target, "size": 10}


def _sends_more(service: WandbService, project: str, name: str) -> None:
    """Serve a file with much behind its end, which takes a while to come."""
    resize(service, project, name, "best", WEIGHTS_NAME, by=30_000_000)
    service.inject(Fault.throttle(10_000_000, "download", file=WEIGHTS_NAME))


ODD_ARTIFACTS: dict[str, Odd] = {
    "one that does not exist": Odd(name="nothing"),
    "one in a project that does not exist": Odd(project="nowhere"),
    "one without the alias that is asked for": Odd(alias="other"),
    "one of type dataset": Odd(type_="dataset"),
    "one without manifest.json": Odd(_without("manifest.json")),
    "one of format 2": Odd(_newer_format),
    "one with the manifest of another": Odd(_manifest_of_another),
    "one with a file that its manifest lacks": Odd(_extra_tokenizer_file),
    "one whose weights are not those it describes": Odd(lambda folder, _canary: flip_byte(folder / WEIGHTS_NAME, -1)),
    "one of more bytes than the disk has room for": Odd(change=_too_large),
    "one with a pickle beside its weights": Odd(_pickle_beside),
    "one with a pickle in place of its weights": Odd(_hostile("a pickle for its weights")),
    "one with code beside its weights": Odd(_code_beside),
    "one with a file above its folder": Odd(change=_renamed("../canary")),
    "one with a file at the root of the disk": Odd(change=_renamed("/tmp/canary")),
    "one with a backslash in a name": Odd(change=_renamed("..\\canary")),
    "one with a line break in a name": Odd(change=_renamed("tokenizer/a\nb.json")),
    "one that refers to a file of this machine": Odd(change=_link),
    "one of a billion layers": Odd(_hostile("9999 for layers")),
    "one that sends more than it lists": Odd(after=_sends_more),
}
"""Each is refused, and nothing of it is kept or run."""
