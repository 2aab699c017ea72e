"""The schema of the section `evaluation`: what the model is asked to write while it is trained.

Imports nothing heavy, see `foundry.config`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from foundry.config_fields import FilePath, PositiveInt, Section, as_number, rule


class EvaluationConfig(Section):
    """Behavioural evaluation during training: what the model writes after every so many epochs."""

    every_epochs: PositiveInt | None = None
    """Let the model continue the prompts after every so many epochs and at the end; null never does."""
    prompts: tuple[FilePath, ...] = ()
    """YAML files of prompts, or the names of shipped ones, such as `python`."""
    samples: PositiveInt = 1
    """Texts for each prompt."""
    max_new_tokens: PositiveInt = 64
    """The most tokens of a text, where its prompt does not say."""
    temperature: Annotated[float, Field(ge=0, le=2), BeforeValidator(as_number)] = 0.8
    """Divides the logits; 0 takes the likeliest token."""
    top_p: Annotated[float, Field(gt=0, le=1), BeforeValidator(as_number)] | None = 0.95
    """Draw among the likeliest tokens that together reach this probability; null means all."""

    @rule("every_epochs", "prompts")
    def _prompts_are_named(self) -> str | None:
        if self.every_epochs is None or self.prompts:
            return None
        return "every_epochs needs prompts to continue; name a file, or a shipped one, such as `prompts: [python]`"
