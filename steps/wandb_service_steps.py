"""The stand-in of Weights & Biases, seen by its real client and by plain HTTP."""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from behave import given, then, when
from behave.runner import Context

from foundry.testing.client_runs import ClientRun, log
from foundry.testing.processes import Finished
from foundry.testing.registry import API_KEY, Registry
from foundry.testing.registry_suite import Reported, run_registry_suite
from foundry.testing.service_probe import PROJECT, Answer, Probe, ask_http, digest_of
from foundry.testing.wandb_service import Fault, StoredVersion, WandbService
from foundry.testing.wandb_service.application import PIECE

CONFIG = {"learning_rate": 0.25, "model": {"layers": 2}}
METADATA = {"step": 3, "validation_loss": 0.5}


@dataclass
class ServiceState:
    """What one scenario asks of services.

    Attributes:
        tried: of each row of a table, its name, the expected outcome of each kind of request, and that found.
        endings: how blocks ended, each beside what was expected.
    """

    service: WandbService | None = None
    other: WandbService | None = None
    probe: Probe | None = None
    answers: list[Answer] = field(default_factory=list)
    tried: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    endings: list[tuple[str, str]] = field(default_factory=list)
    results: dict[str, Reported] = field(default_factory=dict)
    found: list[bool] = field(default_factory=list)
    seconds: float = 0.0
    statuses: list[int] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)


def state_of(context: Context) -> ServiceState:
    return context.world.of(ServiceState)


def service_of(context: Context) -> WandbService:
    service = state_of(context).service
    assert service is not None, "the scenario has no service"
    return service


def probe_of(context: Context) -> Probe:
    probe = state_of(context).probe
    assert probe is not None, "the scenario has no service"
    return probe


def random_file(name: str, size: int) -> Path:
    path = Path(name)
    path.write_bytes(random.Random(name).randbytes(size))
    return path.resolve()


def rows(steps: range) -> tuple[dict[str, float], ...]:
    return tuple({"step": step, "loss": 3.0 / step} for step in steps)


def client_run(context: Context, steps: range, weights: Path, alias: str = "best") -> ClientRun:
    registry = context.world.of(Registry)
    return ClientRun(
        registry.entity,
        registry.project,
        "run-1",
        CONFIG,
        rows(steps),
        "model",
        {"weights/model.bin": str(weights)},
        (alias,),
        METADATA,
    )


@given("it answers the first {operation} with {status:d}")
def answers_first(context: Context, operation: str, status: int) -> None:
    context.world.of(Registry).service.inject(Fault.answer(status, operation, times=1))


@when('a client logs 3 rows of metrics, and publishes a file of {size:d} bytes as "model:best"')
@when("a client publishes a file of {size:d} bytes")
def client_publishes(context: Context, size: int) -> None:
    log([client_run(context, range(1, 4), random_file("weights", size))])


@when("a client publishes a file of {size:d} bytes twice, and once more beside a file of {other:d} bytes")
def client_publishes_again(context: Context, size: int, other: int) -> None:
    weights = random_file("weights", size)
    first, second = (client_run(context, range(1, 4), weights, alias) for alias in ("first", "best"))
    both = replace(second, files={**second.files, "other": str(random_file("other", other))}, aliases=("third",))
    log([first, second, both])


@when("a client logs the steps 1 to 3, and takes the run up again with the steps 4 to 6 and a better model")
def client_goes_on(context: Context) -> None:
    halves = (range(1, 4), "weights"), (range(4, 7), "better")
    log([client_run(context, steps, random_file(name, 1000)) for steps, name in halves])


def without_client_steps(found: list[dict[str, float]]) -> tuple[dict[str, float], ...]:
    return tuple({name: value for name, value in row.items() if name != "_step"} for row in found)


@then("another client finds the rows, the configuration and the last metrics")
def finds_run(context: Context) -> None:
    found = context.world.of(Registry).logged("run-1")
    assert without_client_steps(found.history) == rows(range(1, 4)), found.history
    assert found.config == CONFIG and found.summary == rows(range(3, 4))[0], found


@then("another client finds the file, its digest, its metadata and its aliases")
def finds_artifact(context: Context) -> None:
    registry, sent = context.world.of(Registry), Path("weights").read_bytes()
    found = registry.published("model:best")
    assert found is not None and found.files == {"weights/model.bin": (digest_of(sent), len(sent))}, found
    assert found.metadata == METADATA and {*found.aliases} == {"best", "latest"}, found
    assert (found.version, found.type) == ("v0", "model"), found
    registry.fetch("model:best", Path("fetched"))
    assert Path("fetched/weights/model.bin").read_bytes() == sent


@then("another client finds the steps 1 to 6, each once")
def finds_steps(context: Context) -> None:
    found = context.world.of(Registry).logged("run-1").history
    assert without_client_steps(found) == rows(range(1, 7)), found
    assert [row["_step"] for row in found] == list(range(1, 7)), found


@then('"model:best" is version v1, and "model:v0" is no longer the best')
def best_has_moved(context: Context) -> None:
    best, first = (context.world.of(Registry).published(f"model:{alias}") for alias in ("best", "v0"))
    assert best is not None and best.version == "v1", best
    assert first is not None and first.version == "v0" and not first.aliases, first


def versions(service: WandbService, project: str) -> list[StoredVersion]:
    return [version for artifact in service.artifacts(project) for version in artifact.versions]


@then("the service has got {size:d} bytes of files, and has {count:d} versions")
def got_once(context: Context, size: int, count: int) -> None:
    registry = context.world.of(Registry)
    got = sum(request.bytes_received for request in registry.service.requests if request.operation == "upload")
    found = versions(registry.service, registry.project)
    assert got == size and len(found) == count, (got, found)
    assert [{*version.aliases} for version in found] == [{"first", "best"}, {"third", "latest"}], found


@then("the uploads were answered with {statuses}")
def uploads_answered(context: Context, statuses: str) -> None:
    asked = context.world.of(Registry).service.requests
    found = [str(request.status) for request in asked if request.operation == "upload"]
    assert found == statuses.split(", "), found


@then("the service holds that file, to the byte")
def holds_file(context: Context) -> None:
    registry = context.world.of(Registry)
    (version,) = versions(registry.service, registry.project)
    assert version.files["weights/model.bin"].path.read_bytes() == Path("weights").read_bytes()


@when("each of these is asked of a service of its own")
def each_asked(context: Context) -> None:
    for number, row in enumerate(context.table):
        ended = ending_of(partial(ask_in_a_block, Path(f"service-{number}"), row["asked"]))
        state_of(context).endings.append((row["problem"], ended))


def ending_of(block: Callable[[], None]) -> str:
    """The kind and message of what a block ended with; empty where it ended well."""
    try:
        block()
    except Exception as error:  # noqa: BLE001 any ending is what the scenario asks for
        return f"{type(error).__name__}: {error}"
    return ""


def ask_in_a_block(folder: Path, asked: str) -> None:
    with WandbService(folder, api_key=API_KEY) as service:
        ask(Probe(service, b"content", API_KEY), asked)


def ask(probe: Probe, asked: str) -> None:
    kind, _, rest = asked.partition(" ")
    if kind == "GET":
        probe.get(probe.service.url + rest)
    elif kind == "the":
        probe.send_metrics(rest.removeprefix("stream "))
    else:
        probe.graphql(asked)


@then("each block ends with the problem, or well where there is none")
def each_ended(context: Context) -> None:
    wrong = [(problem, ended) for problem, ended in state_of(context).endings if not is_ending(problem, ended)]
    assert not wrong, "\n".join(f"expected {problem!r}, ended with {ended!r}" for problem, ended in wrong)


def is_ending(problem: str, ended: str) -> bool:
    return problem in ended and ended.startswith("AssertionError: ") if problem else not ended


@when("a block fails by itself after its client asked for what is unknown")
def block_fails(context: Context) -> None:
    def fail() -> None:
        with WandbService(Path("service"), api_key=API_KEY) as service:
            Probe(service, b"content", API_KEY).get(f"{service.url}/weather")
            raise OSError("its own reason")

    state_of(context).endings.append(("OSError: its own reason", ending_of(fail)))


@then("the block ends with its own failure")
def own_failure(context: Context) -> None:
    ((expected, ended),) = state_of(context).endings
    assert ended == expected, ended


@given("a suite with a scenario that asks for the unknown, and one for the real service")
def a_suite(context: Context) -> None:
    Path("suite").mkdir()


@when('the suite is run with the tags "{tags}" and without a key')
def suite_run(context: Context, tags: str) -> None:
    state_of(context).results = run_registry_suite(context.origin, Path("suite").resolve(), tags)


@then("the results in the report are")
def results_are(context: Context) -> None:
    results = state_of(context).results
    expected = {row["scenario"]: Reported(row["status"], row["reason"]) for row in context.table}
    assert {*results} == {*expected}, results
    wrong = [name for name, it in expected.items() if not is_reported(it, results[name])]
    assert not wrong, results


def is_reported(expected: Reported, found: Reported) -> bool:
    return expected.status == found.status and expected.reason in found.reason


@given("a service that holds a file of {size:d} bytes")
def service_with_file(context: Context, size: int) -> None:
    state = state_of(context)
    state.service = WandbService(Path("service"), api_key=API_KEY)
    context.world.ending.callback(state.service.stop)
    state.probe = Probe(state.service, random.Random(size).randbytes(size), API_KEY)


FAULTS: dict[str, Callable[..., Fault]] = {
    r"(\d+) at (\w+)": lambda status, on: Fault.answer(int(status), on),
    r"(\d+) at (\w+) of (.+)": lambda status, on, file: Fault.answer(int(status), on, file=file),
    r"reset at (\w+)": Fault.refuse,
    r"cut after (\d+) bytes at (\w+)": lambda count, on: Fault.cut(int(count), on),
    r"silence at (\w+)": Fault.hang,
    r"a flipped byte at (\w+)": Fault.flip_byte,
    "another digest in the manifest": Fault.wrong_digest,
}


def fault_named(text: str) -> Fault:
    return next(make(*found.groups()) for rule, make in FAULTS.items() if (found := re.fullmatch(rule, text)))


@when("each fault is in force for a while, and everything is tried")
def each_fault_tried(context: Context) -> None:
    state = state_of(context)
    for row in context.table:
        if row["fault"] != "none":
            service_of(context).inject(fault_named(row["fault"]))
        expected = {name: row[name] for name in row.headings if name != "fault"}
        state.tried.append((row["fault"], expected, outcomes(probe_of(context))))
        service_of(context).heal()


def outcomes(probe: Probe) -> dict[str, str]:
    """What comes of each kind of request, in words."""
    return {name: in_words(act(), probe.expected(name)) for name, act in probe.acts().items()}


def in_words(answer: Answer, expected: bytes | None) -> str:
    if answer.ending == "cut" and answer.status == 200:
        return f"cut at {len(answer.body)}"
    if answer.status is None:
        return answer.ending
    is_damaged = answer.status == 200 and expected is not None and answer.body != expected
    assert not is_damaged or len(answer.body) == len(expected or b""), "damage must not show in the length"
    return "damaged" if is_damaged else str(answer.status)


@then("the outcomes are those of the table")
def outcomes_are(context: Context) -> None:
    wrong = [f"{fault}: {found}" for fault, expected, found in state_of(context).tried if found != expected]
    assert not wrong, "\n".join(wrong)


@then("everything is answered with 200 once the service is healed")
@then("everything is answered with 200, at the same address")
def all_answered(context: Context) -> None:
    found = outcomes(probe_of(context))
    assert {*found.values()} == {"200"}, found


@when("{times:d} uploads are to be answered with {status:d}, and {made:d} are made")
def uploads_made(context: Context, times: int, status: int, made: int) -> None:
    probe = probe_of(context)
    service_of(context).inject(Fault.answer(status, "upload", times=times))
    state_of(context).answers = [probe.put(probe.other_content) for _ in range(made)]


@then("the uploads get the answers {statuses}")
def are_answered(context: Context, statuses: str) -> None:
    found = [str(answer.status) for answer in state_of(context).answers]
    assert found == statuses.split(", "), found


@when("a download hangs, and the service is healed meanwhile")
def download_hangs(context: Context) -> None:
    service, probe, answers = service_of(context), probe_of(context), state_of(context).answers
    service.inject(Fault.hang("download"))
    asking = threading.Thread(target=lambda: answers.append(probe.get(probe.download_url)))
    asking.start()
    wait_for_download(service)
    assert not answers, "the download did not hang"
    service.heal()
    asking.join()


def wait_for_download(service: WandbService) -> None:
    """Until the service has heard of a download; it fails after ten seconds."""
    for _ in range(1000):
        if any(request.operation == "download" for request in service.requests):
            return
        time.sleep(0.01)
    raise AssertionError("no download was asked for")


@then("the download is whole")
def download_is_whole(context: Context) -> None:
    ((answer),) = state_of(context).answers
    assert answer.ending == "whole" and answer.body == probe_of(context).content, answer.ending


@when("an {act} at {pace:d} bytes a second is made")
def slow_act(context: Context, act: str, pace: int) -> None:
    state, probe = state_of(context), probe_of(context)
    service_of(context).inject(Fault.throttle(pace, act))
    probe.patience = 10
    started = time.monotonic()
    state.answers = [probe.acts()[act]()]
    state.seconds = time.monotonic() - started
    state.tried = [(act, {act: "200"}, {act: in_words(state.answers[0], probe.expected(act))})]


@then("it takes at least {milliseconds:d} ms, and is whole")
def takes_time(context: Context, milliseconds: int) -> None:
    outcomes_are(context)
    assert state_of(context).seconds >= milliseconds / 1000, state_of(context).seconds


@when("it dies while a download is under way, and comes back")
def dies_and_comes_back(context: Context) -> None:
    state, service, probe = state_of(context), service_of(context), probe_of(context)
    service.inject(Fault.hang("download"))
    probe.patience = 10
    asking = threading.Thread(target=lambda: state.answers.append(probe.get(probe.download_url)))
    asking.start()
    wait_for_download(service)
    service.stop()
    asking.join()
    state.answers.append(probe.get(probe.download_url))
    service.heal()
    service.start()


@then("the download was cut, and connections were refused meanwhile")
def was_cut(context: Context) -> None:
    endings = [answer.ending for answer in state_of(context).answers]
    assert endings == ["cut", "refused"], endings


@when("it dies while a client keeps a connection open")
def dies_with_connection(context: Context) -> None:
    state, service = state_of(context), service_of(context)
    kept = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=1)
    kept.request("GET", urlsplit(probe_of(context).download_url).path)
    kept.getresponse().read()
    started = time.monotonic()
    stopping = threading.Thread(target=service.stop, daemon=True)
    stopping.start()
    stopping.join(10)
    state.seconds = time.monotonic() - started
    state.found = [is_cut(kept)]


def is_cut(connection: http.client.HTTPConnection) -> bool:
    """Whether the other side of an idle connection has gone."""
    assert connection.sock is not None
    try:
        return connection.sock.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@then("it is dead within {seconds:g} seconds, and the connection is cut")
def is_dead(context: Context, seconds: float) -> None:
    state = state_of(context)
    assert state.seconds < seconds and state.found == [True], (state.seconds, state.found)


@when("everything is tried with a wrong key, and once the key has expired")
def tried_without_key(context: Context) -> None:
    state, probe = state_of(context), probe_of(context)
    probe.api_key = API_KEY[::-1]
    state.tried.append(("wrong", {}, outcomes(probe)))
    probe.api_key = API_KEY
    service_of(context).expire_key()
    state.tried.append(("expired", {}, outcomes(probe)))


@then("both times the outcomes are")
def both_times(context: Context) -> None:
    expected = dict(zip(context.table.headings, context.table[0].cells, strict=True))
    found = [outcome for _, _, outcome in state_of(context).tried]
    assert found == [expected, expected], found


@when("other bytes than those announced are uploaded")
def other_bytes(context: Context) -> None:
    state_of(context).answers = [probe_of(context).put(b"other bytes")]


@then("these are refused with {status:d}, and are not kept")
def not_kept(context: Context, status: int) -> None:
    assert [answer.status for answer in state_of(context).answers] == [status], state_of(context).answers
    kept = [path for path in Path("service").iterdir() if path.read_bytes() == b"other bytes"]
    assert not kept, kept


@when("another service is started, and the first one dies")
def another_service(context: Context) -> None:
    state = state_of(context)
    state.other = WandbService(Path("other"), api_key=API_KEY)
    context.world.ending.callback(state.other.stop)
    service_of(context).stop()


@then("the other one holds nothing, and answers")
def other_is_empty(context: Context) -> None:
    other, mine = state_of(context).other, service_of(context)
    assert other is not None and mine.runs(PROJECT) and mine.artifacts(PROJECT), "the first one holds nothing"
    assert not other.runs(PROJECT) and not other.artifacts(PROJECT) and not other.requests
    assert {*outcomes(Probe(other, b"content", API_KEY)).values()} == {"200"}


@when("{count:d} bytes in the middle of the file, the name of its project and the key are looked for")
def looked_for(context: Context, count: int) -> None:
    pieces = list(service_of(context).received_text())
    middle = PIECE - count // 2  # half of them end one piece, the others begin the next
    wanted = (probe_of(context).content[middle : middle + count], PROJECT.encode(), API_KEY.encode())
    state_of(context).found = [any(it in piece for piece in pieces) for it in wanted]


@then("the bytes and the name are found, and the key is not")
def found_but_for_key(context: Context) -> None:
    assert state_of(context).found == [True, True, False], state_of(context).found


@dataclass
class RunningCommand:
    """The command that serves, in a process of its own; what it prints for a shell is in `variables.sh`."""

    process: subprocess.Popen[str]

    def ask(self, path: str) -> int:
        """Ask in the environment that a shell has after it read what the command printed: the status."""
        shell = '. ./variables.sh && printf "%s %s" "$WANDB_BASE_URL" "$WANDB_API_KEY"'
        url, key = subprocess.check_output(["sh", "-c", shell], text=True).split()
        body = '{"query": "query GetViewer { viewer { id } }"}' if path == "/graphql" else None
        return ask_http("POST" if body else "GET", url + path, body, key).status or 0

    def interrupt(self) -> Finished:
        """Send Ctrl-C, and wait for the end."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=10)
        return Finished(self.process.returncode, Path("variables.sh").read_text(encoding="utf-8"), said)


def start_command(context: Context, *options: str) -> subprocess.Popen[str]:
    with Path("variables.sh").open("w", encoding="utf-8") as variables:
        process = subprocess.Popen(
            [sys.executable, "-m", "foundry.testing.wandb_service", *options],
            stdout=variables,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(Path.cwd()), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    context.world.ending.callback(process.kill)
    return process


def serving_command(context: Context) -> RunningCommand:
    process = start_command(context)
    assert process.stderr is not None
    said = process.stderr.readline()
    assert said.startswith("serving http://127.0.0.1:"), said
    return RunningCommand(process)


@when("the command is started, asked in the environment that it prints, and gets Ctrl-C")
def command_serves(context: Context) -> None:
    state, command = state_of(context), serving_command(context)
    state.statuses = [command.ask("/graphql")]
    state.finished = [command.interrupt()]


@then("the client was answered, and the command ends with 0 and leaves no file")
def command_ends_well(context: Context) -> None:
    state = state_of(context)
    assert state.statuses == [200] and state.finished[0].exit_code == 0, (state.statuses, state.finished)
    assert [path.name for path in Path.cwd().iterdir()] == ["variables.sh"], list(Path.cwd().iterdir())


@when('the command is started, asked for "{path}", and gets Ctrl-C')
def command_asked(context: Context, path: str) -> None:
    command = serving_command(context)
    command.ask(path)
    state_of(context).finished = [command.interrupt()]


@then('the command ends with {code:d} and says "{text}"')
def command_says(context: Context, code: int, text: str) -> None:
    (finished,) = state_of(context).finished
    assert (finished.exit_code, finished.stderr.strip()) == (code, text), finished


@when("the command of the service is started with each of these")
def command_refused(context: Context) -> None:
    state = state_of(context)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for row in context.table:
            options = row["options"].replace("TAKEN", str(taken.getsockname()[1])).split()
            process = start_command(context, *options)
            _, said = process.communicate(timeout=10)
            state.endings.append((row["message"], f"{process.returncode}: {said}"))


@then("each start of the command ends with 2 and that message")
def each_start_refused(context: Context) -> None:
    wrong = [
        (message, said)
        for message, said in state_of(context).endings
        if not (said.startswith("2: ") and message in said and said.count("\n") == 1)
    ]
    assert not wrong, wrong
