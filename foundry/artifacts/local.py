"""The embedded artifact store: a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from foundry import files
from foundry.artifacts.store import Bundle
from foundry.errors import FoundryError


class LocalStore:
    """Keeps each published model in a folder of its own below `root`."""

    kind = "local"
    postponed = None

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(self, bundle: Bundle) -> str:
        """See `ArtifactStore.publish`; an artifact of that name is replaced only when the new one is whole."""
        target = self.root.resolve() / bundle.name
        replaced = target.with_name(f"replaced-{target.name}")
        try:
            staged = target.with_name(f"incoming-{target.name}")
            shutil.rmtree(staged, ignore_errors=True)
            with files.new_folder(staged) as new:
                for name, source in bundle.files.items():
                    (new / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, new / name)
            shutil.rmtree(replaced, ignore_errors=True)
            if target.exists():
                target.rename(replaced)
            staged.rename(target)
            files.flush_to_disk(target.parent)
            shutil.rmtree(replaced, ignore_errors=True)
        except OSError as error:
            raise FoundryError(f"{target}: could not be published: {error.strerror or error}") from error
        return str(target)

    def confirmed_digests(self, location: str, _bundle: Bundle) -> dict[str, str]:
        """See `ArtifactStore.confirmed_digests`: every byte is read back."""
        return digests_in(Path(location))


def digests_in(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a published model, by its name in it.

    Raises:
        FoundryError: a file cannot be read.
    """
    try:
        return {
            path.relative_to(folder).as_posix(): files.sha256_of(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    except OSError as error:
        raise FoundryError(f"{folder}: the store cannot read it back: {error.strerror or error}") from error
