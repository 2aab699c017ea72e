"""Secrets of every kind, to be planted into texts and repositories.

None is real, and none stands in this file: they are put together when they are asked for, so that no scanner takes this
source for a leak. Equal calls give equal secrets.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from foundry.pipeline.redaction import Redactor
from foundry.testing.repositories import SampleRepository

_ALPHANUMERIC = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + string.digits
_LOWER = string.ascii_lowercase + string.digits
_HEX = "0123456789abcdef"
_URL_SAFE = _ALPHANUMERIC + "_-"
_BASE64 = _ALPHANUMERIC + "+/"
_KEY_LINES = 12
SECRETS_A_MESSAGE = 10
NAMED_ADDRESS = "grace.hopper@navy.example"
"""A mail address that somebody gives as a name."""


@dataclass(frozen=True)
class PlantedSecret:
    """A secret and the name that it is assigned to.

    Attributes:
        kind: as people say it.
        marker: the kind that redaction is to give it.
        name: of the variable or setting that holds it.
        secret: what must not be seen again.
        before: what stands before it within the value, and is no secret.
        after: what stands after it within the value.
    """

    kind: str
    marker: str
    name: str
    secret: str
    before: str = ""
    after: str = ""


def planted_secret(kind: str) -> PlantedSecret:
    """The secret of one kind; `kinds` names them."""
    return _SECRETS[kind](kind)


def kinds() -> list[str]:
    """Every kind that can be planted."""
    return list(_SECRETS)


def _drawn(kind: str, alphabet: str, length: int) -> str:
    """Random characters, of which the first is a letter and one is a digit, as random ones are nearly always."""
    source = random.Random(f"planted {kind} {length}")
    letters = [character for character in alphabet if character.isalpha()]
    drawn = [source.choice(letters), *(source.choice(alphabet) for _ in range(length - 1))]
    drawn[length // 2] = source.choice([character for character in alphabet if character.isdigit()] or letters)
    return "".join(drawn)


def _token(
    marker: str, name: str, prefix: tuple[str, ...], alphabet: str, length: int, suffix: str = ""
) -> Callable[[str], PlantedSecret]:
    """A token that its prefix, given in pieces, makes known."""

    def make(kind: str) -> PlantedSecret:
        return PlantedSecret(kind, marker, name, "".join(prefix) + _drawn(kind, alphabet, length) + suffix)

    return make


def _within(
    marker: str, name: str, before: str, alphabet: str, length: int, after: str
) -> Callable[[str], PlantedSecret]:
    """A secret that its place within a value makes known."""

    def make(kind: str) -> PlantedSecret:
        return PlantedSecret(kind, marker, name, _drawn(kind, alphabet, length), before, after)

    return make


def _pem(label: str) -> Callable[[str], PlantedSecret]:
    def make(kind: str) -> PlantedSecret:
        lines = [_drawn(f"{kind} {number}", _BASE64, 64) for number in range(_KEY_LINES)]
        dashes = "-" * 5
        block = [f"{dashes}BEGIN {label}{dashes}", *lines, f"{dashes}END {label}{dashes}"]
        return PlantedSecret(kind, "private-key", "SIGNING_PEM", "\n".join(block))

    return make


def _service_account(kind: str) -> PlantedSecret:
    key = _pem(" ".join(("PRIVATE", "KEY")))(kind)
    return PlantedSecret(kind, key.marker, "service_account", key.secret.replace("\n", "\\n"), after="\\n")


def _putty(kind: str) -> PlantedSecret:
    lines = [_drawn(f"{kind} {number}", _BASE64, 64) for number in range(_KEY_LINES)]
    head = ["-".join(("PuTTY", "User", "Key", "File", "2: ssh-rsa")), "Encryption: none", "Comment: work"]
    body = [*head, "Public-Lines: 6", *lines[:6], "Private-Lines: 6", *lines[6:]]
    mac = f"Private-MAC: {_drawn(kind, _HEX, 40)}"
    return PlantedSecret(kind, "private-key", "SIGNING_PPK", "\n".join([*body, mac]))


def _json_web_token(kind: str) -> PlantedSecret:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", "name": "Ada", "admin": True}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return PlantedSecret(kind, "json-web-token", "session", ".".join([*encoded, _drawn(kind, _URL_SAFE, 43)]))


def _slack_webhook(kind: str) -> PlantedSecret:
    path = "/".join(("T" + _drawn(kind, _UPPER, 8), "B" + _drawn(kind, _UPPER, 9), _drawn(kind, _ALPHANUMERIC, 24)))
    return PlantedSecret(kind, "slack-webhook", "hook", "https://hooks." + "slack.com/services/" + path)


def _npm_line(kind: str) -> PlantedSecret:
    secret = "-".join(_drawn(kind, _HEX, length) for length in (8, 4, 4, 4, 12))
    return PlantedSecret(kind, "npm-token", "line", secret, before="//registry.npmjs.org/:_auth" + "Token=")


def _discord(kind: str) -> PlantedSecret:
    parts = ("M" + _drawn(kind, _ALPHANUMERIC, 23), _drawn(kind, _ALPHANUMERIC, 6), _drawn(kind, _URL_SAFE, 27))
    return PlantedSecret(kind, "discord-token", "bot", ".".join(parts))


def _sendgrid(kind: str) -> PlantedSecret:
    parts = ("S" + "G", _drawn(kind, _URL_SAFE, 22), _drawn(kind, _URL_SAFE, 43))
    return PlantedSecret(kind, "sendgrid-key", "mailer", ".".join(parts))


def _openai(kind: str) -> PlantedSecret:
    halves = (_drawn(kind, _ALPHANUMERIC, 20), _drawn(kind[::-1], _ALPHANUMERIC, 20))
    return PlantedSecret(kind, "openai-key", "llm", "sk" + "-" + ("T3Blbk" + "FJ").join(halves))


def _basic_header(kind: str) -> PlantedSecret:
    pair = base64.b64encode(f"deploy:{_drawn(kind, _ALPHANUMERIC, 14)}".encode()).decode()
    return PlantedSecret(kind, "basic-auth", "header", pair, before="Basic ")


_SECRETS: dict[str, Callable[[str], PlantedSecret]] = {
    "AWS access key": _token("aws-access-key", "aws_id", ("AK", "IA"), _UPPER, 16),
    "AWS secret key": _token("aws-secret-key", "aws_secret_access_key", (), _BASE64, 40),
    "GitHub personal token": _token("github-token", "gh", ("gh", "p_"), _ALPHANUMERIC, 36),
    "GitHub OAuth token": _token("github-token", "gh", ("gh", "o_"), _ALPHANUMERIC, 36),
    "GitHub app token": _token("github-token", "gh", ("gh", "s_"), _ALPHANUMERIC, 36),
    "GitHub fine-grained token": _token(
        "github-token", "gh", ("github", "_pat_", _drawn("pat", _ALPHANUMERIC, 22), "_"), _ALPHANUMERIC, 59
    ),
    "GitLab token": _token("gitlab-token", "gl", ("gl", "pat-"), _URL_SAFE, 20),
    "Slack token": _token("slack-token", "slack", ("xo", "xb-", "123456789012-", "210987654321-"), _LOWER, 24),
    "Slack webhook": _slack_webhook,
    "Stripe live key": _token("stripe-key", "billing", ("sk_", "live_"), _ALPHANUMERIC, 24),
    "Stripe live key, long": _token("stripe-key", "billing", ("sk_", "live_"), _ALPHANUMERIC, 99),
    "Twilio account": _token("twilio-key", "sms", ("A", "C"), _LOWER, 32),
    "Twilio key": _token("twilio-key", "sms", ("S", "K"), _LOWER, 32),
    "SendGrid key": _sendgrid,
    "Mailchimp key": _token("mailchimp-key", "letters", (), _HEX, 32, "-us" + "12"),
    "npm token": _token("npm-token", "registry", ("np", "m_"), _ALPHANUMERIC, 36),
    "npm registry line": _npm_line,
    "PyPI token": _token("pypi-token", "upload", ("pypi-", "AgEIcHlwaS5", "vcmc"), _URL_SAFE, 120),
    "Azure storage key": _within(
        "azure-storage-key", "storage", "AccountName=a;Account" + "Key=", _ALPHANUMERIC, 88, ";EndpointSuffix=core"
    ),
    "Google service account": _service_account,
    "Google API key": _token("google-api-key", "maps", ("AI", "za"), _URL_SAFE, 35),
    "Google OAuth secret": _token("google-oauth-secret", "web", ("GOC", "SPX-"), _URL_SAFE, 28),
    "JSON web token": _json_web_token,
    "password in a URL": _within("basic-auth", "site", "https://deploy:", _ALPHANUMERIC, 14, "@example.org/x"),
    "database URL": _within("basic-auth", "db", "postgresql://app:", _ALPHANUMERIC + "!$*", 14, "@db.local:5432/app"),
    "connection string": _within(
        "connection-string", "ado", "Server=db;Pass" + "word=", _ALPHANUMERIC, 14, ";Pooling=1"
    ),
    "RSA private key": _pem(" ".join(("RSA", "PRIVATE", "KEY"))),
    "EC private key": _pem(" ".join(("EC", "PRIVATE", "KEY"))),
    "OpenSSH private key": _pem(" ".join(("OPENSSH", "PRIVATE", "KEY"))),
    "encrypted private key": _pem(" ".join(("ENCRYPTED", "PRIVATE", "KEY"))),
    "PGP private key": _pem(" ".join(("PGP", "PRIVATE", "KEY", "BLOCK"))),
    "PuTTY private key": _putty,
    "Discord token": _discord,
    "Telegram token": _token("telegram-token", "chat", ("123456789", ":AA"), _URL_SAFE, 33),
    "Square OAuth secret": _token("square-token", "shop", ("sq0", "csp-"), _URL_SAFE, 43),
    "Square access token": _token("square-token", "shop", ("sq0", "atp-"), _URL_SAFE, 22),
    "Artifactory token": _token("artifactory-token", "jars", ("AK", "Cp"), _ALPHANUMERIC, 69),
    "IBM Cloud key": _token("ibm-cloud-key", "ibm_cloud_api_key", (), _URL_SAFE, 44),
    "IBM COS key": _token("ibm-cos-key", "cos_secret_access_key", (), _HEX, 48),
    "Cloudant password": _token("cloudant-key", "cloudant_password", (), _HEX, 64),
    "SoftLayer key": _token("softlayer-key", "softlayer_api_key", (), _LOWER, 64),
    "OpenAI key": _openai,
    "OpenAI project key": _token("openai-key", "llm", ("sk-", "proj-"), _URL_SAFE, 120),
    "Anthropic key": _token("anthropic-key", "llm", ("sk-", "ant-", "api03-"), _URL_SAFE, 93),
    "Hugging Face token": _token("hugging-face-token", "hub", ("h", "f_"), _ALPHANUMERIC, 34),
    "DigitalOcean token": _token("digitalocean-token", "droplet", ("dop_", "v1_"), _HEX, 64),
    "Shopify token": _token("shopify-token", "shop", ("shp", "at_"), _HEX, 32),
    "Docker token": _token("docker-token", "images", ("dckr_", "pat_"), _URL_SAFE, 27),
    "Databricks token": _token("databricks-token", "lake", ("da", "pi"), _HEX, 32),
    "Vault token": _token("vault-token", "vault", ("hv", "s."), _URL_SAFE, 90),
    "Grafana token": _token(
        "grafana-token", "board", ("gl", "sa_"), _ALPHANUMERIC, 32, "_" + _drawn("grafana", _HEX, 8)
    ),
    "password": _token("password", "password", ("Tr0ub", "4dor!"), _ALPHANUMERIC, 3),
    "database password": _token("password", "DB_PASSWORD", (), _ALPHANUMERIC, 12),
    "API key": _token("password", "payment_api_key", (), _HEX, 32),
    "client secret": _token("password", "client_secret", (), _URL_SAFE, 32),
    "access token": _token("token", "ACCESS_TOKEN", (), _ALPHANUMERIC, 40),
    "bearer header": _within("bearer-token", "header", "Bearer ", _ALPHANUMERIC, 40, ""),
    "basic header": _basic_header,
}


def _in_python(planted: PlantedSecret) -> tuple[str, str]:
    quote = '"' * (3 if "\n" in planted.secret else 1)
    return f'"""Settings."""\n\n{planted.name} = {quote}', f"{quote}\nDEBUG = True\n"


@dataclass(frozen=True)
class Surroundings:
    """Where a secret is planted.

    Attributes:
        place: the path of the text, or what it is.
        write: makes of a secret what stands before its value, and what stands after it.
        line: what every line of it begins with.
    """

    place: str
    write: Callable[[PlantedSecret], tuple[str, str]]
    line: str = ""

    def text_with(self, planted: PlantedSecret) -> tuple[str, str, str]:
        """What stands before the secret, the secret as it stands there, and what stands after it."""
        head, tail = self.write(planted)
        secret = planted.secret.replace("\n", f"\n{self.line}")
        return head + planted.before, secret, planted.after + tail


SURROUNDINGS: dict[str, Surroundings] = {
    "Python": Surroundings("app/settings.py", _in_python),
    "YAML": Surroundings("deploy/app.yaml", lambda one: (f"app:\n  {one.name}: ", "\n  replicas: 3\n")),
    "JSON": Surroundings("config.json", lambda one: (f'{{\n  "{one.name}": "', '",\n  "debug": true\n}\n')),
    ".env": Surroundings("deploy/.env", lambda one: (f"DEBUG=1\n{one.name.upper()}=", "\nPORT=80\n")),
    "a diff": Surroundings(
        "app/settings.py",
        lambda one: (f'@@ -1,2 +1,2 @@\n import os\n-X = 1\n+{one.name} = "', '"\n+Y = 2\n'),
        line="+",
    ),
    "a commit message": Surroundings(
        "commit message", lambda one: (f'Rotate the key\n\nThe old one was {one.name} = "', '", and is revoked.\n')
    ),
    "a minified line": Surroundings(
        "app.min.js", lambda one: ("var a={b:1};" * 400 + f'a.{one.name}="', '";' + "a.c=function(){return 1};" * 400)
    ),
}


def repository_with_secrets(folder: Path) -> SampleRepository:
    """A repository with every kind of secret: in files at HEAD, in a commit that a later one undoes, in messages.

    Some stand where only a part of them is seen, or where no text is: in the middle of a key that is changed, in
    settings for one environment, in the names of a file, a branch and a tag, and a mail address in that of an author.
    """
    repository = SampleRepository(folder)
    repository.commit("Begin", {"app/main.py": "def main():\n    return 0\n" * 20})
    planted = [planted_secret(kind) for kind in kinds()]
    files = {f"kept/{number}/{where.place}": _text(where, one) for number, (where, one) in enumerate(_spread(planted))}
    repository.commit("Add settings", files)
    undone = {f"undone/part_{number}.py": _text(SURROUNDINGS["Python"], one) for number, one in enumerate(planted)}
    repository.commit("Add more settings", undone)
    for name in undone:
        (folder / name).unlink()
    repository.commit("Remove them again")
    messages = [_text(SURROUNDINGS["a commit message"], one) for one in planted]
    for at in range(0, len(messages), SECRETS_A_MESSAGE):
        repository.commit("\n".join(messages[at : at + SECRETS_A_MESSAGE]))
    _hide_secrets(repository)
    return repository


def _hide_secrets(repository: SampleRepository) -> None:
    password, token = planted_secret("database password").secret, planted_secret("GitHub OAuth token").secret
    repository.commit("Add a key", {"keys/deploy.pem": planted_secret("RSA private key").secret + "\n"})
    repository.commit("Change the middle of the key", {"keys/deploy.pem": key_with_another_middle() + "\n"})
    settings = {".env.production": "", "web.dockerfile": "ENV ", "Dockerfile.prod": "ARG "}
    first = {"notes.production": "Nothing is set here.\n", "notes.prod": "Nor here.\n"}
    repository.commit(
        "Add environments", first | {name: f"{a}DB_PASSWORD={password}\n" for name, a in settings.items()}
    )
    repository.commit("Keep a copy", {f"copies/{token}/a.py": "copied = True\n"})
    repository.commit("Leave one out", {f"copies/{token}/empty.py": ""})
    repository.git("mv", f"copies/{token}/a.py", "copied.py")
    repository.commit("Move it")
    repository.git("commit", "--quiet", "--allow-empty", f"--author={NAMED_ADDRESS} <g@a.example>", "--message=Sign")
    repository.git("branch", f"try/{token}")
    repository.git("tag", f"with-{token}")


def key_with_another_middle() -> str:
    """The RSA private key with other lines in its middle; a diff shows none of its borders."""
    lines = planted_secret("RSA private key").secret.split("\n")
    return "\n".join([*lines[:5], *(line[::-1] for line in lines[5:8]), *lines[8:]])


def redacted_history(repository: SampleRepository, redactor: Redactor) -> dict[str, str]:
    """Every message, diff and file of a repository, redacted, by where it stands."""
    texts = {"messages": redactor.redact(repository.git("log", "--all", "--format=%B"), "commit message")}
    diffs = repository.git("log", "--all", "--format=", "-p", "--no-renames").split("diff --git a/")
    for number, diff in enumerate(diffs[1:]):
        path = diff.split(" b/", 1)[0]
        texts[f"diff {number} of {path}"] = redactor.redact(diff, path)
    for path in repository.git("ls-files").splitlines():
        texts[path] = redactor.redact((repository.folder / path).read_text(encoding="utf-8"), path)
    return texts


def _spread(planted: list[PlantedSecret]) -> list[tuple[Surroundings, PlantedSecret]]:
    in_files = [SURROUNDINGS[name] for name in ("Python", "YAML", "JSON", ".env")]
    return [(in_files[number % len(in_files)], one) for number, one in enumerate(planted)]


def _text(where: Surroundings, planted: PlantedSecret) -> str:
    return "".join(where.text_with(planted))


def remains_of(planted: PlantedSecret, text: str) -> list[str]:
    """The pieces of a secret, of twelve characters and more, that are still in a text."""
    lines = [
        line for line in planted.secret.replace("\\n", "\n").split("\n") if "-----" not in line and ": " not in line
    ]
    pieces = {line[at : at + 12] for line in lines for at in range(max(1, len(line) - 11))}
    return sorted(piece for piece in pieces if piece and piece in text)
