"""Kinds of credentials that the library does not know, by the shape that their issuers gave them."""

from __future__ import annotations

import re

TOKENS: tuple[tuple[str, str], ...] = (
    ("github-token", r"github_pat_[A-Za-z0-9]{20,}_[A-Za-z0-9]{40,}"),
    ("anthropic-key", r"sk-ant-[A-Za-z0-9-]{3,12}-[A-Za-z0-9_-]{20,}"),
    ("openai-key", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}"),
    ("hugging-face-token", r"hf_[A-Za-z0-9]{34,}"),
    ("google-api-key", r"AIza[0-9A-Za-z_-]{35}"),
    ("google-oauth-secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    ("google-oauth-token", r"ya29\.[A-Za-z0-9_-]{40,}"),
    ("npm-token", r"npm_[A-Za-z0-9]{36}"),
    ("slack-token", r"xapp-[0-9]-[A-Z0-9]{8,}-[0-9]{8,}-[a-f0-9]{32,}"),
    ("stripe-key", r"whsec_[A-Za-z0-9]{32,}"),
    ("square-token", r"sq0atp-[0-9A-Za-z_-]{22}"),
    ("digitalocean-token", r"do[opr]_v1_[a-f0-9]{64}"),
    ("shopify-token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    ("docker-token", r"dckr_pat_[A-Za-z0-9_-]{27}"),
    ("databricks-token", r"dapi[a-f0-9]{32}"),
    ("vault-token", r"hvs\.[A-Za-z0-9_-]{24,}"),
    ("grafana-token", r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
    ("age-key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    ("azure-sas", r"sig=[A-Za-z0-9%+/]{43,60}(?:%3D|=)"),
)
"""Kind and shape; each shape begins with letters that are rare in texts, and does not go over a line's end."""

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple((kind, re.compile(shape)) for kind, shape in TOKENS)
