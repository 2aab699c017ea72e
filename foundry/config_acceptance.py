"""The schema of the section `acceptance`: what the model of an experiment must reach before it is signed.

Imports nothing heavy, see `foundry.config`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from foundry.config_fields import FilePath, PositiveFloat, PositiveInt, Section, as_number, as_whole_number, rule

RATES_OF_TEXTS = ("min_success_rate", "min_parse_rate")
PositiveShare = Annotated[float, Field(gt=0, le=1), BeforeValidator(as_number)]
"""A least rate of 0 would hold whatever the model does."""


class AcceptanceConfig(Section):
    """What `foundry accept --config` holds the model of this experiment to; null checks nothing."""

    steps: Annotated[int, Field(ge=4, le=1000), BeforeValidator(as_whole_number)] = 6
    """Steps of the short training by which the promises about training are tried."""
    max_memory_mb: PositiveFloat | None = None
    """The most memory in MB that training, and writing, may take: of the GPU that computes, else of the process."""
    prompts: tuple[FilePath, ...] = ()
    """YAML files of prompts that the model continues, or the names of shipped ones, such as `python`."""
    samples: PositiveInt = 2
    """Texts for each prompt, and attempts at each function with unit tests."""
    max_new_tokens: PositiveInt = 64
    """The most tokens of a text, where its prompt does not say."""
    temperature: Annotated[float, Field(ge=0, le=2), BeforeValidator(as_number)] = 0.8
    """Divides the logits; 0 takes the likeliest token."""
    min_success_rate: PositiveShare | None = None
    """The least share of texts that are not empty, do not run in circles, and parse."""
    min_parse_rate: PositiveShare | None = None
    """The least share of texts that parse."""
    max_perplexity: Annotated[float, Field(gt=1), BeforeValidator(as_number)] | None = None
    """The highest perplexity a token on the documents that the run kept for validation."""
    min_pass_at_1: PositiveShare | None = None
    """The least share of attempts at the built-in Python functions that pass their unit tests."""

    @rule("prompts", *RATES_OF_TEXTS)
    def _prompts_are_named(self) -> str | None:
        asked = [name for name in RATES_OF_TEXTS if getattr(self, name) is not None]
        if not asked or self.prompts:
            return None
        return f"{asked[0]} needs prompts to continue; name a file, or a shipped one, such as `prompts: [python]`"
