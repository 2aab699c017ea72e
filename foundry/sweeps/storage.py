"""Where a study is kept: a database that Optuna reads and writes, and the lock under which trials are handed out.

Optuna's own way of handing out a trial asks the database for a row lock, which SQLite does not have: there two
processes can be given the same trial. So whoever hands out trials holds a lock of this module: of a file beside the
database of SQLite, of a row of the study elsewhere. That row is one which Optuna itself never locks.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.storages import BaseStorage, RDBStorage

from foundry.errors import FoundryError, UserError

STUDY_NAME = "study.db"
DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")
SECONDS_TO_WAIT_FOR_SQLITE = 60
ATTEMPTS_TO_MAKE_TABLES = 5
"""Several hosts may find an empty database at once; whoever loses that race finds the tables a moment later."""
ROW_LOCK = "SELECT study_direction_id FROM study_directions WHERE study_id = :study FOR UPDATE"

optuna.logging.set_verbosity(optuna.logging.ERROR)


class StudyDatabase:
    """An open database of studies.

    Attributes:
        name: what to call it in messages; without the password that its URL may hold.
        storage: what Optuna reads and writes.

    Args:
        url: of the database; None for a SQLite file in `folder`.
        folder: the sweep's own.
        must_exist: do not make the file of a SQLite database.

    Raises:
        UserError: the URL names no database that can be used, or there is none that must exist.
        FoundryError: it cannot be opened, or is damaged.
    """

    def __init__(self, url: str | None, folder: Path, *, must_exist: bool = False) -> None:
        self._url = _parsed(url or f"sqlite:///{folder / STUDY_NAME}")
        self.name = self._url.render_as_string(hide_password=True) if url else str(folder / STUDY_NAME)
        self._file = Path(self._url.database or "") if self._url.get_backend_name() == "sqlite" else None
        self._lock = FileLock(f"{self._file}.lock") if self._file is not None else None
        if must_exist and self._file is not None and not self._file.exists():
            raise self.no_study()
        with self._opening_explained():
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._lock or contextlib.nullcontext():
                self._check_file()
                self._database = self._opened()
        self.storage: BaseStorage = optuna.storages.get_storage(self._database)

    def close(self) -> None:
        """Give the connections back."""
        self._database.remove_session()
        self._database.engine.dispose()

    @contextlib.contextmanager
    def locked(self, study_id: int) -> Iterator[None]:
        """No other process hands out trials of the study meanwhile; what ends a process gives the lock back."""
        if self._lock is not None:
            with self._lock:
                yield
        else:
            with self._database.engine.begin() as connection:
                connection.execute(sqlalchemy.text(ROW_LOCK), {"study": study_id})
                yield

    def no_study(self) -> UserError:
        """What to tell whoever asks for a study that is not there."""
        return UserError(f"{self.name}: holds no study of this sweep yet; without --report the sweep is begun")

    @contextlib.contextmanager
    def failures_explained(self) -> Iterator[None]:
        """Turn what the database raises into one line.

        Raises:
            FoundryError: the database did not do what it was asked for.
        """
        try:
            yield
        except (optuna.exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError, sqlite3.Error) as error:
            raise self._failure(_reason(error)) from error

    @contextlib.contextmanager
    def _opening_explained(self) -> Iterator[None]:
        try:
            with self.failures_explained():
                yield
        except (OSError, RuntimeError) as error:
            raise self._failure(getattr(error, "strerror", None) or str(error)) from error
        except ImportError as error:
            missing = getattr(error.__cause__ or error, "name", None) or "a driver"
            raise UserError(f"storage: {self.name}: needs the Python package {missing}; install it") from error

    def _failure(self, reason: str) -> FoundryError:
        remedy = "mend that, and the same command goes on"
        if self._file is not None:
            remedy = f"{remedy}; without that file the study begins anew, and takes over the runs that are complete"
        return FoundryError(f"storage: {self.name}: cannot be used: {' '.join(reason.split())}; {remedy}")

    def _check_file(self) -> None:
        """Look a SQLite file through, where there is one: what is damaged shows now, and not in the middle."""
        if self._file is None or not self._file.exists():
            return
        with contextlib.closing(sqlite3.connect(self._file, timeout=SECONDS_TO_WAIT_FOR_SQLITE)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)

    def _opened(self) -> RDBStorage:
        url = self._url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")
        settings = {"connect_args": {"timeout": SECONDS_TO_WAIT_FOR_SQLITE}} if self._file is not None else {}
        for left in reversed(range(ATTEMPTS_TO_MAKE_TABLES)):
            try:
                return RDBStorage(url, engine_kwargs=settings)
            except (sqlalchemy.exc.IntegrityError, sqlalchemy.exc.ProgrammingError):
                if not left:
                    raise
                time.sleep(0.5)
        raise AssertionError("the last attempt returns or raises")


def _parsed(url: str) -> sqlalchemy.URL:
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise UserError(
            f"storage: must be the URL of a database, such as postgresql://user@host/sweeps, got {url!r}"
        ) from None
    if parsed.get_backend_name() not in DATABASES:
        raise UserError(f"storage: must be a database of {', '.join(DATABASES)}, got {parsed.get_backend_name()}")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise UserError(f"storage: {url} keeps nothing; name a file, such as sqlite:///sweeps/study.db")
    return parsed


def _reason(error: BaseException) -> str:
    """What the driver of the database said."""
    cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else error
    return str(getattr(cause, "orig", None) or cause)
