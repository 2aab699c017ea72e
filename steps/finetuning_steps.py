"""Steps about fine-tuning pretrained models: loading, adapting, checkpointing, exporting."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from behave import given, then, when
from behave.runner import Context
from safetensors import safe_open

from foundry import manifests
from foundry.artifacts.download import Fetching
from foundry.errors import FoundryError, UserError
from foundry.exporting import export_model
from foundry.testing.comparison import assert_identical_runs
from foundry.testing.experiments import write_code_corpus
from foundry.testing.faults import flip_byte
from foundry.testing.finetuned import (
    Tuning,
    base_logits,
    digests,
    held_bits,
    largest_difference,
    logits_by_peft,
    logits_by_transformers,
    logits_of_run,
    model_of,
    original_matrices,
    quantized_layers,
    relative_error,
    saved_again,
    trainable_names,
    without_gradient,
)
from foundry.testing.pretrained import finetuning_settings, published_shape, saved_pretrained
from foundry.testing.runs import Runs
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


@then("the run equals the uninterrupted one to the bit")
def equals_uninterrupted(context: Context) -> None:
    assert_identical_runs(runs_of(context).uninterrupted.run_folder, runs_of(context).folder)


@given("the published shape of {name} in the folder {folder}")
def shape_in_folder(_context: Context, name: str, folder: str) -> None:
    published_shape(Path(folder), name)
