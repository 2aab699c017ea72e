"""The patterns of detect-secrets, each with an anchor.

Left out are three of its plugins. Public IP addresses are no credentials. Of hexadecimal strings of high entropy, code
is full: commits, digests, colours. Private keys are found whole, not by their first line (`private_keys`).
"""

from __future__ import annotations

import functools
import importlib
import re
from typing import Any

from foundry.pipeline.redaction.detector import REST_OF_TOKEN, Detector
from foundry.pipeline.redaction.known_tokens import CAPITAL_A
from foundry.pipeline.redaction.plausibility import is_chosen_password, is_no_placeholder, is_random_base64

# The library allows any number of spaces at three places beside each other, and takes the cube of their number.
_ASSIGNMENT = r"""["']?\]? {0,20}(?:=>|:=|::|=|:| {1,20}) {0,20}["']?[0-9a-z_-]{24}"""
_ASSIGNMENT_REACH = (60, 150)
_ASSIGNED = tuple(rf"{name}{_ASSIGNMENT}" for name in ("key", "pwd?", "pass(?:word)?", "token"))
_AWS_ASSIGNED = (r"""aws.{0,20}?(?:key|pwd?|pass(?:word)?|token).{0,20}?['"]""",)
_CLOUDANT = (r"cl(?:ou(?:dant)?)?[_-]?(?:api)?(?:key|pwd?|pass(?:word)?|token)",)
_GITLAB = (r"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[A-Za-z0-9_-]{20}", r"GR1348941")
_TWILIO = (CAPITAL_A, r"SK[a-z0-9]{32}")
_QUOTED = tuple(rf"{quote}(?=[^{quote}\n]*[0-9])[A-Za-z0-9+/\\_=-]{{23,}}+{quote}" for quote in "\"'")
_STANDING_ALONE = frozenset({"aws-access-key", "discord-token", "mailchimp-key", "telegram-token", "twilio-key"})
"""Short or of a common shape: inside of a longer word, as in base64 of something else, it is none."""
_NOT_IN_A_WORD = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_REST_OF_JWT = re.compile(r"(?:\.?[A-Za-z0-9_+/=-]+)*")


def _row(
    kind: str, plugin: str, anchors: tuple[str, ...], which: slice = slice(None), **options: Any
) -> tuple[str, str, tuple[str, ...], slice, dict[str, Any]]:
    return kind, plugin, anchors, which, {"rest": REST_OF_TOKEN} | options


_ROWS = (
    _row(
        "artifactory-token",
        "artifactory.ArtifactoryDetector",
        (CAPITAL_A,),
        shape=re.compile(r"A[KP]\w+"),
    ),
    _row("aws-access-key", "aws.AWSKeyDetector", (CAPITAL_A,), slice(1)),
    _row("aws-secret-key", "aws.AWSKeyDetector", _AWS_ASSIGNED, slice(1, 2), group=1, folded=True, rest=None),
    _row(
        "azure-storage-key",
        "azure_storage_key.AzureStorageKeyDetector",
        (CAPITAL_A,),
        rest=None,
        shape=re.compile(r"(?<=AccountKey=).+"),
    ),
    _row(
        "cloudant-key", "cloudant.CloudantDetector", _CLOUDANT, slice(2), group=1, folded=True, reach=_ASSIGNMENT_REACH
    ),
    _row("cloudant-key", "cloudant.CloudantDetector", (r"\.cloudant\.com",), slice(2, 4), group=1, folded=True),
    _row("discord-token", "discord.DiscordBotTokenDetector", (r"\.[\w-]{6}\.[\w-]{27}",)),
    _row("github-token", "github_token.GitHubTokenDetector", (r"gh[pousr]_[A-Za-z0-9_]{36}",)),
    _row("gitlab-token", "gitlab_token.GitLabTokenDetector", _GITLAB),
    _row(
        "softlayer-key",
        "softlayer.SoftlayerDetector",
        _ASSIGNED,
        slice(1),
        group=1,
        folded=True,
        reach=_ASSIGNMENT_REACH,
    ),
    _row("softlayer-key", "softlayer.SoftlayerDetector", (r"softlayer.com/soap/",), slice(1, 2), group=1, folded=True),
    _row("ibm-cos-key", "ibm_cos_hmac.IbmCosHmacDetector", _ASSIGNED, group=1, folded=True, reach=_ASSIGNMENT_REACH),
    _row(
        "ibm-cloud-key", "ibm_cloud_iam.IbmCloudIamDetector", _ASSIGNED, group=1, folded=True, reach=_ASSIGNMENT_REACH
    ),
    _row("mailchimp-key", "mailchimp.MailchimpDetector", (r"-us[0-9]",)),
    _row("npm-token", "npm.NpmDetector", (r"/:_authToken=",), group=1, rest=None, shape=re.compile(r"[\w-]+")),
    _row("openai-key", "openai.OpenAIDetector", (r"T3BlbkFJ",)),
    _row("pypi-token", "pypi_token.PypiTokenDetector", (r"pypi-Ag",)),
    _row("sendgrid-key", "sendgrid.SendGridDetector", (r"SG\.[a-zA-Z0-9_-]{22}\.",)),
    _row("slack-token", "slack.SlackDetector", (r"xox[abprso]-",), slice(1), folded=True),
    _row("slack-webhook", "slack.SlackDetector", (r"hooks\.slack\.com/services/t",), slice(1, 2), folded=True),
    _row("square-token", "square_oauth.SquareOAuthDetector", (r"sq0",)),
    _row("stripe-key", "stripe.StripeDetector", (r"k_live_",)),
    _row("telegram-token", "telegram_token.TelegramBotTokenDetector", (r":[0-9A-Za-z_-]{35}",)),
    _row("twilio-key", "twilio.TwilioKeyDetector", _TWILIO),
    _row("basic-auth", "basic_auth.BasicAuthDetector", (r"://",), group=1, rest=None, accepts=is_chosen_password),
)


@functools.cache
def library_detectors() -> tuple[Detector, ...]:
    """One detector for each row, and one for JSON web tokens."""
    from detect_secrets.plugins.jwt import JwtTokenDetector

    jwt = Detector(
        "json-web-token",
        (re.compile(r"eyJ"),),
        tuple(JwtTokenDetector.denylist),
        accepts=JwtTokenDetector.is_formally_valid,
        rest=_REST_OF_JWT,
    )
    return *(_detector(*row) for row in _ROWS), jwt


@functools.cache
def entropy_detector() -> Detector:
    """Finds quoted strings of the base64 alphabet that look random, whatever they are."""
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString

    pattern = Base64HighEntropyString().regex
    quoted = tuple(map(re.compile, _QUOTED))
    return Detector("high-entropy-string", quoted, (pattern,), group=2, accepts=is_random_base64, rest=None)


def _detector(kind: str, plugin: str, anchors: tuple[str, ...], which: slice, options: dict[str, Any]) -> Detector:
    module, name = plugin.split(".")
    denylist = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name).denylist
    patterns = tuple(denylist)[which]
    if kind in _STANDING_ALONE:
        patterns = tuple(re.compile(f"{_NOT_IN_A_WORD}(?:{pattern.pattern})", pattern.flags) for pattern in patterns)
    return Detector(kind, tuple(map(re.compile, anchors)), patterns, **{"accepts": is_no_placeholder} | options)
