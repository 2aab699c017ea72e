"""Kinds of credentials that the library does not know, by the shape that their issuers gave them, or by their place."""

from __future__ import annotations

import re

from foundry.pipeline.redaction.detector import Detector
from foundry.pipeline.redaction.plausibility import (
    is_chosen_password,
    is_credentials_pair,
    is_no_placeholder,
    is_random_token,
)

CAPITAL_A = r"A(?:3T|BIA|CCA|KIA|SIA|C[a-z0-9]|KC|P[\dA-F]\w{8}|ccountKey=|Iza|GE-SECRET)"
"""Kinds that share a rare first letter are looked for together."""

_TOKENS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        CAPITAL_A,
        (
            ("google-api-key", r"AIza[0-9A-Za-z_-]{35}"),
            ("age-key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
            ("artifactory-token", r"AKCp[A-Za-z0-9]{20,}"),
        ),
    ),
    (
        r"_[A-Za-z0-9]{20}",
        (
            ("github-token", r"github_pat_[A-Za-z0-9]{20,}_[A-Za-z0-9]{40,}"),
            ("hugging-face-token", r"hf_[A-Za-z0-9]{34,}"),
            ("npm-token", r"npm_[A-Za-z0-9]{36}"),
            ("stripe-key", r"whsec_[A-Za-z0-9]{32,}"),
            ("digitalocean-token", r"do[opr]_v1_[a-f0-9]{64}"),
            ("shopify-token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
            ("grafana-token", r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
        ),
    ),
    (
        r"sk-(?:ant|proj|svcacct|admin)-",
        (
            ("anthropic-key", r"sk-ant-[A-Za-z0-9-]{3,12}-[A-Za-z0-9_-]{20,}"),
            ("openai-key", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}"),
        ),
    ),
    (r"GOCSPX-[A-Za-z0-9_-]{28}", (("google-oauth-secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),)),
    (r"ya29\.[A-Za-z0-9_-]{40}", (("google-oauth-token", r"ya29\.[A-Za-z0-9_-]{40,}"),)),
    (r"xapp-", (("slack-token", r"xapp-[0-9]-[A-Z0-9]{8,}-[0-9]{8,}-[a-f0-9]{32,}"),)),
    (r"sq0", (("square-token", r"sq0atp-[0-9A-Za-z_-]{22}"),)),
    (r"dckr_pat_[A-Za-z0-9_-]{27}", (("docker-token", r"dckr_pat_[A-Za-z0-9_-]{27}"),)),
    (r"dapi[a-f0-9]{32}", (("databricks-token", r"dapi[a-f0-9]{32}"),)),
    (r"hvs\.[A-Za-z0-9_-]{24}", (("vault-token", r"hvs\.[A-Za-z0-9_-]{24,}"),)),
)
"""Anchors, and the kinds and shapes that have them."""

STEMS = tuple(re.compile(stem) for stem in ("key", "pass", "pwd", "secret", "contrase", "token", "credential"))
"""Every name of a secret has one of these in it."""

_SECRET_NAME = r"[\w.:-]{0,40}(?:passw(?:or)?d|secret|api_?key|token)[\w.-]{0,40}"
_AWS_SECRET = r"""aws\w{0,20}(?:key|secret)\w{0,10}["']?\s*(?:=>|:=|=|:)\s*["']?([0-9A-Za-z/+]{40})(?![0-9A-Za-z/+=])"""

BY_SHAPE: tuple[Detector, ...] = tuple(
    Detector(kind, (re.compile(anchor),), (re.compile(shape),), accepts=is_no_placeholder)
    for anchor, shapes in _TOKENS
    for kind, shape in shapes
)
BY_PLACE: tuple[Detector, ...] = (
    Detector(
        "password",
        STEMS,
        (
            re.compile(rf"<{_SECRET_NAME}>([^<>\s]{{1,200}})</", re.IGNORECASE),
            re.compile(
                rf"""(?:name|key)=["']{_SECRET_NAME}["']\s{{1,5}}value=["']([^"'\s]{{1,200}})["']""", re.IGNORECASE
            ),
        ),
        group=1,
        folded=True,
        accepts=is_chosen_password,
        rest=None,
    ),
    Detector(
        "azure-sas",
        (re.compile("sig="),),
        (re.compile("sig=([A-Za-z0-9%+/]{43,60}(?:%3D|=))"),),
        group=1,
        accepts=is_no_placeholder,
        rest=None,
    ),
    Detector(
        "aws-secret-key",
        (re.compile("aws"),),
        (re.compile(_AWS_SECRET, re.IGNORECASE),),
        group=1,
        folded=True,
        rest=None,
    ),
    Detector(
        "basic-auth",
        (re.compile("://"),),
        (re.compile(r"""://[^\s:/@"'<>]{0,100}:([^\s/"'<>]{1,200})@"""),),
        group=1,
        accepts=is_chosen_password,
        rest=None,
    ),
    Detector(
        "connection-string",
        (re.compile("w(?:or)?d="),),
        (
            re.compile(r"""[;&?] ?(?:password|passwd|pwd)=([^;&"'\s]{1,200})""", re.IGNORECASE),
            re.compile(r"""(?:password|passwd|pwd)=([^;&"'\s]{1,200})[;&] ?\w[\w ]{0,40}=""", re.IGNORECASE),
        ),
        group=1,
        folded=True,
        accepts=is_chosen_password,
        rest=None,
    ),
    Detector(
        "bearer-token",
        (re.compile("bearer "),),
        (re.compile(r"bearer +([A-Za-z0-9._~+/=-]{16,300})", re.IGNORECASE),),
        group=1,
        folded=True,
        accepts=is_random_token,
        rest=None,
    ),
    Detector(
        "basic-auth",
        (re.compile("basic "),),
        (re.compile(r"basic +([A-Za-z0-9+/]{8,300}={0,2})", re.IGNORECASE),),
        group=1,
        folded=True,
        accepts=is_credentials_pair,
        rest=None,
    ),
)
"""Where the shape says nothing, but the place does."""
