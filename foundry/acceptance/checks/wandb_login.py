"""Whether the real Weights & Biases could be met; nothing is sent, and the client is not imported."""

from __future__ import annotations

import netrc
import os
import urllib.parse
from dataclasses import replace
from pathlib import Path

from foundry.acceptance.checks.check import NOTHING, Check
from foundry.acceptance.checks.machine import check_reach

NAME = "W&B login"
KEY = "WANDB_API_KEY"
REMEDY = f"export {KEY}=... (from your account's settings page)"
MODES = ("online", "offline", "disabled")


def check_login() -> Check:
    """A key of Weights & Biases, and a mode in which it would be used."""
    mode = os.environ.get("WANDB_MODE") or "online"
    if mode not in MODES:
        reason = f"WANDB_MODE must be one of {', '.join(MODES)}"
        return Check(NAME, "failed", f"WANDB_MODE={mode}", reason, "unset WANDB_MODE")
    if mode != "online":
        reason = f"WANDB_MODE={mode} keeps everything on this machine"
        return Check(NAME, "missing", mode, reason, "unset WANDB_MODE")
    if not os.environ.get(KEY):
        return Check(NAME, "missing", _other_login(), f"{KEY} is not set", REMEDY)
    return Check(NAME, "ok", f"{KEY} is set, for {_host()}")


def check_cloud() -> Check:
    """What a scenario needs that meets the real service: a login, and the service within reach."""
    login = check_login()
    return replace(check_reach(NAME, _url()) if login.is_ok else login, tag="wandb_cloud")


def _url() -> str:
    return os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai"


def _host() -> str:
    return urllib.parse.urlsplit(_url()).hostname or _url()


def _other_login() -> str:
    """A login that the client would find, and the scenarios do not."""
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        is_there = netrc.netrc(path).authenticators(_host()) is not None
    except (OSError, netrc.NetrcParseError):
        is_there = False
    return f"a login in {path}" if is_there else NOTHING
