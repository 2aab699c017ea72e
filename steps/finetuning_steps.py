"""Steps about fine-tuning pretrained models: loading, adapting, checkpointing, exporting."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import yaml
from behave import given, then, when
from behave.runner import Context
from safetensors import safe_open

import foundry
from foundry import manifests
from foundry.artifacts.download import Fetching
from foundry.config_file import experiment_from_mapping, load_mapping
from foundry.errors import FoundryError, UserError
from foundry.exporting import export_model
from foundry.testing.commands import CommandState
from foundry.testing.experiments import write_code_corpus
from foundry.testing.faults import flip_byte
from foundry.testing.finetuned import (
    Tuning,
    base_logits,
    damage_pretrained,
    digests,
    epoch_table,
    files_of_this_package,
    gradients_here_and_by_peft,
    held_bits,
    largest_difference,
    logits_by_peft,
    logits_by_transformers,
    logits_of_run,
    losses_in_pieces_and_at_once,
    model_of,
    original_matrices,
    quantized_layers,
    relative_error,
    saved_again,
    trainable_names,
    without_gradient,
)
from foundry.testing.missing import run_foundry_without
from foundry.testing.pretrained import finetuning_settings, published_shape, random_published, saved_pretrained
from foundry.testing.repositories import python_project
from foundry.testing.runs import Runs
from foundry.trainer import Trainer
from foundry.training.events import Message
from foundry.training.metrics import read_metrics
from steps.command_line_steps import finished_here
from steps.run_steps import value_of


def tuning_of(context: Context) -> Tuning:
    return context.world.of(Tuning)


def runs_of(context: Context) -> Runs:
    return context.world.of(Runs)


@given("a tiny pretrained {architecture} and a small experiment that adapts it")
@given("a tiny pretrained {architecture} and a small experiment that adapts it with")
def tiny_finetuning(context: Context, architecture: str) -> None:
    tuning = tuning_of(context)
    tuning.base = saved_pretrained(Path("base").resolve(), architecture)
    tuning.base_bytes = digests(tuning.base)
    write_code_corpus(Path("corpus"))
    runs_of(context).settings.update(finetuning_settings(tuning.base))
    for row in context.table or ():
        key, text = row["setting"], row["value"]
        runs_of(context).settings[key] = text if key == "model.quantization" else value_of(key, text)


@when("its model is loaded")
def load_model(context: Context) -> None:
    tuning_of(context).model = model_of(runs_of(context).config())


@then("its {count:d} matrices are held as {kind} in {bits:g} bits a number")
def held_in_bits(context: Context, count: int, kind: str, bits: float) -> None:
    layers = quantized_layers(tuning_of(context).model)
    found = {(type(layer).__name__, held_bits(layer)) for _, layer in layers}
    assert (len(layers), found) == (count, {(kind, bits)}), f"{len(layers)} layers: {found}"


@then("each differs from the original by {least:g} to {most:g} of its size")
def differs_by(context: Context, least: float, most: float) -> None:
    tuning = tuning_of(context)
    originals = original_matrices(tuning.base)
    for name, layer in quantized_layers(tuning.model):
        error = relative_error(layer, originals[f"{name.replace('.base_layer', '')}.weight"])
        assert least <= error <= most, f"{name}: {error}"


@then("only weights of the adapter are trainable, {count:d} numbers")
def only_adapter(context: Context, count: int) -> None:
    model = tuning_of(context).model
    others = [name for name in trainable_names(model) if "lora_" not in name]
    found = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert not others and found == count, f"{found} trainable numbers; beside the adapter: {others}"


@then("a backward pass gives every one of them a gradient")
def all_gradients(context: Context) -> None:
    missing = without_gradient(tuning_of(context).model)
    assert not missing, f"without gradient: {missing}"


@when("a backward pass is made by us and by peft, with the same weights")
def passes_backward(context: Context) -> None:
    tuning = tuning_of(context)
    tuning.gradients = gradients_here_and_by_peft(runs_of(context).config(), tuning.base)


@then("both give the adapter the same gradients, within {bound:g} of the largest")
def gradients_of_peft(context: Context, bound: float) -> None:
    ours, theirs = tuning_of(context).gradients
    assert ours and ours.keys() == theirs.keys(), f"ours: {sorted(ours)}\ntheirs: {sorted(theirs)}"
    differences = {name: largest_difference(ours[name], theirs[name]) for name in ours}
    largest = max(float(gradient.abs().max()) for gradient in theirs.values())
    assert max(differences.values()) <= bound * largest, f"of numbers up to {largest}: {differences}"


@then("no byte of the pretrained model has changed")
def base_unchanged(context: Context) -> None:
    tuning = tuning_of(context)
    found = digests(tuning.base)
    assert found == tuning.base_bytes, f"expected: {tuning.base_bytes}\nfound:    {found}"


@then("evaluating it twice and training in between gives the base the same logits")
def base_still_the_same(context: Context) -> None:
    tuning = tuning_of(context)
    before = base_logits(tuning.model)
    without_gradient(tuning.model)
    after = base_logits(tuning.model)
    assert before.equal(after), f"differ by {largest_difference(before, after)}"


@then("each checkpoint holds the adapter alone, {tensors:d} tensors in less than {share:g} of the base's bytes")
def adapter_alone(context: Context, tensors: int, share: float) -> None:
    limit = share * (tuning_of(context).base / "model.safetensors").stat().st_size
    for folder in manifests.checkpoint_folders(runs_of(context).folder / "checkpoints"):
        path = folder / manifests.WEIGHTS_NAME
        with safe_open(path, "pt") as opened:
            names = list(opened.keys())
        assert len(names) == tensors and all("lora_" in name for name in names), names
        assert path.stat().st_size < limit, f"{path}: {path.stat().st_size} bytes, not below {limit}"


@then("each checkpoint names the SHA-256 of the base")
def names_base(context: Context) -> None:
    digest = json.loads((runs_of(context).folder / "base.json").read_text(encoding="utf-8"))["digest"]
    folders = manifests.checkpoint_folders(runs_of(context).folder / "checkpoints")
    found = {manifests.read_manifest(folder).base_digest for folder in folders}
    assert folders and found == {digest}, f"expected {digest}, found {found}"


@given("a bit of the pretrained weights has flipped")
def flipped_base(context: Context) -> None:
    path = tuning_of(context).base / "model.safetensors"
    flip_byte(path, path.stat().st_size - 3)


@given("the pretrained weights were put elsewhere")
def moved_base(context: Context) -> None:
    tuning = tuning_of(context)
    tuning.base = Path(shutil.move(tuning.base, tuning.base.with_name("elsewhere-base")))


@when("the run folder is exported to {target} with {options}")
def export_run(context: Context, target: str, options: str) -> None:
    words = options.split()
    dtype = words[words.index("--dtype") + 1] if "--dtype" in words else "float32"
    base = str(tuning_of(context).base) if "--base" in words else None
    assert runs_of(context).finished.record.state == "cleaned"
    runs_of(context).error = None
    try:
        export_model(
            str(runs_of(context).folder),
            Path(target),
            Fetching(),
            merge="--merge" in words,
            number_format=dtype,
            base=base,
        )
    except FoundryError as error:
        runs_of(context).error = error


@then("transformers loads {target}, and its logits are those of the adapter on the unquantised base within {bound:g}")
def merged_logits(context: Context, target: str, bound: float) -> None:
    adapter = Path("adapter-for-comparison")
    export_model(str(runs_of(context).folder), adapter, Fetching(), merge=False, number_format="float32", base=None)
    merged = logits_by_transformers(Path(target))
    difference = largest_difference(merged, logits_by_peft(tuning_of(context).base, adapter))
    effect = largest_difference(merged, logits_by_transformers(tuning_of(context).base))
    assert difference <= bound < effect / 10, f"differ by {difference}; the adapter changes {effect}"


@then("what transformers saves of {target} is byte for byte what was there")
def byte_identical(context: Context, target: str) -> None:
    again = saved_again(Path(target), Path("saved-again"))
    expected = {name: digest for name, digest in digests(Path(target)).items() if name.endswith(".safetensors")}
    found = {name: digest for name, digest in digests(again).items() if name.endswith(".safetensors")}
    assert expected and found == expected, f"expected: {expected}\nfound:    {found}"


@then("peft loads {target} on the base, and its logits are the run's within {bound:g}")
def peft_logits(context: Context, target: str, bound: float) -> None:
    mine = logits_of_run(runs_of(context).folder)
    difference = largest_difference(mine, logits_by_peft(tuning_of(context).base, Path(target)))
    effect = largest_difference(mine, logits_by_transformers(tuning_of(context).base))
    assert difference <= bound < effect / 10, f"differ by {difference}; the adapter changes {effect}"


@then("{target} describes itself with {key} at {described}")
def describes_itself(_context: Context, target: str, key: str, described: str) -> None:
    content = json.loads((Path(target) / "adapter_config.json").read_text(encoding="utf-8"))
    assert content[key] == json.loads(described), f"{key}: {content[key]}"


@then("the folder {target} holds {names}")
def folder_holds(context: Context, target: str, names: str) -> None:
    expected, found = set(names.split(", ")), {path.name for path in Path(target).iterdir()}
    assert expected <= found, f"missing: {sorted(expected - found)}; found: {sorted(found)}"


@then('the export is refused with "{text}", and nothing is left')
def export_refused(context: Context, text: str) -> None:
    error = runs_of(context).error
    assert isinstance(error, UserError) and text in str(error), f"expected: {text}\nfound: {error!r}"
    left = sorted(path.name for path in Path().iterdir() if "merged" in path.name)
    assert not left, left


@given("the published shape of {name} in the folder {folder}")
def shape_in_folder(_context: Context, name: str, folder: str) -> None:
    published_shape(Path(folder), name)


@given("in the file {name} a fine-tuning of {model} in 4 bits on modules of this package")
def real_experiment(_context: Context, name: str, model: str) -> None:
    files_of_this_package(Path("corpus"), ("training/saving.py", "training/counters.py", "training/optimizer.py"))
    content = {
        "experiment_name": "real",
        "model": {"pretrained": model, "quantization": "nf4"},
        "lora": {"r": 8},
        "data": {"source_corpus": "corpus", "batch_size": 4, "max_sequence_length": 256, "validation_fraction": 0.2},
        "training": {"epochs": 2, "learning_rate": 2e-3, "warmup_steps": 0, "evaluation_interval": 1, "device": "cpu"},
        "logging": {"log_interval": 1},
        "monitoring": {"interval": 0.25},
    }
    Path(name).write_text(yaml.safe_dump(content), encoding="utf-8")


def real_run() -> Path:
    (folder,) = Path("runs").glob("real-*")
    return folder


def document(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((real_run() / name).read_text(encoding="utf-8"))
    return content


@then("the validation loss has fallen from the first step to the last, by at least {least:g}")
def loss_fell(_context: Context, least: float) -> None:
    losses = [row["validation_loss"] for row in read_metrics(real_run() / "metrics.jsonl") if "validation_loss" in row]
    assert losses[0] - losses[-1] >= least, losses


@then("the mean training loss of the second epoch is below that of the first")
def second_epoch_below(_context: Context) -> None:
    losses = [row["loss"] for row in read_metrics(real_run() / "metrics.jsonl")]
    half = len(losses) // 2
    first, second = sum(losses[:half]) / half, sum(losses[half:]) / (len(losses) - half)
    assert half >= 2 and second < first, f"first epoch {first}, second {second}: {losses}"


@then("the published training_info.json gives a perplexity that is the exponential of the validation loss")
def perplexity(_context: Context) -> None:
    (artifact,) = Path("artifacts").glob("real-*")
    info = json.loads((artifact / "training_info.json").read_text(encoding="utf-8"))
    losses = [row["validation_loss"] for row in read_metrics(real_run() / "metrics.jsonl") if "validation_loss" in row]
    assert info["validation_loss"] == min(losses), f"{info['validation_loss']} and {losses}"
    assert info["perplexity"] == math.exp(min(losses)), f"{info['perplexity']} and {math.exp(min(losses))}"


@then("the peak of memory that was measured is within {share:d} % of what was estimated before loading")
def estimate_holds(context: Context, share: int) -> None:
    info = document("model_info.json")
    estimated = info["program_bytes"] + info["estimated"]["training_bytes"]
    measured = document("hardware.json")["figures"]["resident_bytes"]["peak"]
    context.world.attach("memory", json.dumps({"estimated": estimated, "measured": measured}, indent=2), "json")
    assert abs(measured / estimated - 1) <= share / 100, f"estimated {estimated:,}, measured {measured:,}"


@then("the model in memory had {count:d} trainable numbers, as was estimated")
def trainable_as_estimated(_context: Context, count: int) -> None:
    info = document("model_info.json")
    found = (info["trainable_parameters"], info["estimated"]["trainable_parameters"])
    assert found == (count, count), found


@then("greedy generation from the run gives the same text twice, and another without the adapter")
def generation_differs(context: Context) -> None:
    words = ["generate", str(real_run()), "--prompt", "def save(self,", "--top-k", "1", "--max-new-tokens", "24"]
    texts = [finished_here([*words, *more]).stdout for more in ((), (), ("--without-adapter",))]
    context.world.attach("with and without the adapter", f"{texts[0]}\n--- without:\n{texts[2]}")
    assert texts[0] == texts[1] != texts[2] and len(texts[0]) > len("def save(self,") + 5, texts


@when("the numbers of {model} are asked for with")
def ask_numbers(context: Context, model: str) -> None:
    options = [word for row in context.table for word in ("--set", f"{row['setting']}={row['value']}")]
    finished = finished_here(["info", "--model", model, *options, "--json"])
    assert finished.exit_code == 0, finished
    tuning_of(context).numbers = json.loads(finished.stdout)


@then("they are")
def numbers_are(context: Context) -> None:
    found = tuning_of(context).numbers
    wrong = {
        row["name"]: (row["value"], found[row["name"]])
        for row in context.table
        if str(found[row["name"]]) != row["value"]
    }
    assert not wrong, f"(name, expected, found): {wrong}"


@then("the estimates add up to the peak of training")
def adds_up(context: Context) -> None:
    found = tuning_of(context).numbers
    parts = ("held", "adapter", "gradient", "optimizer", "activation", "working", "allocator")
    total = sum(found[f"{part}_bytes"] for part in parts)
    assert total == found["training_bytes"] > found["held_bytes"], found
    percent = 100 * found["trainable_parameters"] / found["total_parameters"]
    assert abs(percent - found["trainable_percent"]) < 1e-4, (percent, found["trainable_percent"])


@given("{damage} of the pretrained weights")
def damaged_base(context: Context, damage: str) -> None:
    tuning = tuning_of(context)
    damage_pretrained(tuning.base, damage)


@then("the launch fails in one line with")
def fails_with(context: Context) -> None:
    text = " ".join(context.text.split())
    error = runs_of(context).error
    assert error is not None and text in str(error) and "\n" not in str(error), f"expected: {text}\nfound: {error!r}"


@then("no run folder was made")
def no_run(_context: Context) -> None:
    found = [path.name for path in Path("runs").glob("*") if not path.name.startswith(".")]
    assert not found, found


@when("the experiment configs/{name} is launched on a tiny {architecture} and a small repository")
def launch_config(context: Context, name: str, architecture: str) -> None:
    project = Path(foundry.__file__).parent.parent
    base = saved_pretrained(Path("base").resolve(), architecture, max_position_embeddings=64)
    python_project(Path("project"))
    overrides = {
        "model.pretrained": str(base),
        "data.git.repository": str(Path("project").resolve()),
        "data.git.languages": "[]",
        "data.max_sequence_length": "32",
        "training.device": "cpu",
        "data.validation_fraction": "0.2",
    }
    content = load_mapping(project / "configs" / name, "an experiment begins like `experiment_name: my-model`")
    content["training"].pop("epochs", None)
    content["training"]["train_steps"] = 2
    content["tokenizer"] = None
    config = experiment_from_mapping(content, name, [f"{key}={value}" for key, value in overrides.items()])
    runs_of(context).report = Trainer(config).train()
    runs_of(context).folder = runs_of(context).report.run_folder


@given("random weights in the published shape of {name}, and an experiment file {file} of two epochs of ten steps")
def full_size(_context: Context, name: str, file: str) -> None:
    base = random_published(Path("base").resolve(), name)
    files_of_this_package(Path("corpus"), ("training/loop.py", "training/steps.py", "training/session.py"))
    content = {
        "experiment_name": "real",
        "model": {"pretrained": str(base), "quantization": "nf4"},
        "lora": {"r": 8},
        "data": {"source_corpus": "corpus", "batch_size": 4, "max_sequence_length": 256, "validation_fraction": 0.2},
        "training": {"train_steps": 20, "learning_rate": 2e-4, "evaluation_interval": 10, "device": "cuda"},
        "logging": {"log_interval": 1},
        "monitoring": {"interval": 0.25},
    }
    Path(file).write_text(yaml.safe_dump(content), encoding="utf-8")


@then("the report shows loss, perplexity, gradient norm, memory and time of both epochs")
def table_of_epochs(context: Context) -> None:
    table = epoch_table(read_metrics(real_run() / "metrics.jsonl"), 10)
    context.world.attach("both epochs", table)
    assert len(table.splitlines()) == 3 and "nan" not in table, table


@then("the peak of GPU memory that was measured is within {share:d} % of what was estimated before loading")
def gpu_estimate_holds(_context: Context, share: int) -> None:
    estimated = document("model_info.json")["estimated"]["training_bytes"]
    measured = document("hardware.json")["figures"]["gpu_allocated_bytes"]["peak"]
    assert abs(measured / estimated - 1) <= share / 100, f"estimated {estimated:,}, measured {measured:,}"


@when('the command "{command}" is run where {library} is not installed')
def run_without_library(context: Context, command: str, library: str) -> None:
    context.world.of(CommandState).finished = run_foundry_without(library, command.split()[1:])


@then('a line of its progress reads "{line}"')
def line_of_progress(context: Context, line: str) -> None:
    lines = [event.text for event in runs_of(context).events if isinstance(event, Message)]
    assert line in lines, lines


@then("the model computed with the attention {name}")
def attention_used(context: Context, name: str) -> None:
    info = json.loads((runs_of(context).folder / "model_info.json").read_text(encoding="utf-8"))
    assert info["attention"] == name, info["attention"]


@given("a pretrained llama of 65,536 tokens, whose loss takes several pieces")
def large_vocabulary(context: Context) -> None:
    tuning = tuning_of(context)
    tuning.base = saved_pretrained(Path("base").resolve(), "llama", vocab_size=65536, max_position_embeddings=256)
    runs_of(context).settings.update(finetuning_settings(tuning.base))


@when("the loss of a batch is computed in pieces and at once, {boundaries}")
def both_losses(context: Context, boundaries: str) -> None:
    tuning = tuning_of(context)
    tuning.model = model_of(runs_of(context).config())
    tuning.losses = losses_in_pieces_and_at_once(tuning.model, boundaries == "each document by itself")


@then("both losses agree within {bound:g} of their size, and so do the gradients of the adapter within {other:g}")
def losses_agree(context: Context, bound: float, other: float) -> None:
    losses = tuning_of(context).losses
    assert abs(losses.in_pieces - losses.at_once) <= bound * losses.at_once, losses
    assert losses.gradient_difference <= other * losses.gradient_size, losses


@then("masked tokens have no part in it")
def masked_tokens(context: Context) -> None:
    losses = tuning_of(context).losses
    assert losses.with_other_masked_labels == losses.in_pieces, losses
    assert losses.num_targets == losses.num_unmasked, losses
