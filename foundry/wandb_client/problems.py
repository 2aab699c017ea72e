"""What the exceptions of the client library mean for a user."""

from __future__ import annotations

import os
import re
from typing import Any

from foundry.terminal import printable

KEY_REMEDY = "set WANDB_API_KEY to a key from your account's settings page, or run `wandb login`"
HTTP_UNAUTHORIZED = 401


class NotThere(Exception):
    """What the user named is not in the registry, or is no model; the message says it in one line."""


class Unusable(Exception):
    """What came cannot be used, through no fault of the user's; the message says it in one line."""


def problem_of(error: Exception) -> dict[str, Any]:
    """An exception as an event: `kind` is `user`, `unreachable` or `failure`, `message` one line."""
    import wandb.errors

    status = http_status(error)
    text = _one_line(error)
    if isinstance(error, NotThere):
        return {"kind": "user", "message": text}
    if isinstance(error, Unusable):
        return {"kind": "failure", "message": text}
    if status == HTTP_UNAUTHORIZED or _is_refused_key(error):
        return {"kind": "user", "message": f"{server()} does not accept the API key (401): {KEY_REMEDY}"}
    if isinstance(error, wandb.errors.UsageError | wandb.errors.AuthenticationError) and "API key" in text:
        return {"kind": "user", "message": f"there is no usable API key for {server()} ({text}): {KEY_REMEDY}"}
    if status is not None and status < 500:
        return {"kind": "failure", "message": f"{server()} refused ({status}): {text}"}
    if isinstance(error, wandb.errors.CommError) or status is not None or _is_lost_connection(error):
        return {"kind": "unreachable", "message": f"{server()} cannot be reached: {text}"}
    if isinstance(error, ValueError):  # what the background process says of an upload that it has given up
        return {"kind": "failure", "message": f"{server()} did not take the upload: {text}"}
    return {"kind": "failure", "message": f"Weights & Biases: {type(error).__name__}: {text}"}


def http_status(error: BaseException | None) -> int | None:
    """The status of the answer that led to an exception, where the library tells it."""
    while error is not None:
        response = getattr(error, "response", None)
        code = getattr(response, "http_status_code", None) or getattr(response, "status_code", None)
        if code:
            return int(code)
        error = error.__cause__
    return None


def server() -> str:
    """The address of the service that the client was told to use."""
    return os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai"


def _is_refused_key(error: Exception) -> bool:
    """The library tells in words alone that the service answered 401."""
    import wandb.errors

    words = re.compile(r"API key is not valid|(?<![\d:])401\b")  # and no address whose port has these digits
    return isinstance(error, wandb.errors.CommError) and words.search(str(error)) is not None


def _is_lost_connection(error: BaseException) -> bool:
    import requests

    lost = (ConnectionError, TimeoutError, requests.RequestException)
    return isinstance(error, lost) or type(error).__name__ == "WandbApiFailedError"


def _one_line(error: Exception) -> str:
    return printable(" ".join(str(error).split())).rstrip(".") or type(error).__name__
