"""The tokenizer that an experiment takes from elsewhere: that of its pretrained model, or one that is named."""

from __future__ import annotations

from foundry.config import ExperimentConfig
from foundry.data.sources import local_tokenizer
from foundry.data.tokenizers import Tokenizer, load_tokenizer


def pretrained_tokenizer(config: ExperimentConfig) -> Tokenizer:
    """The tokenizer of an experiment whose `tokenizer_type` is `pretrained`.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    from foundry.data.fast_tokenizer import FastTokenizer

    path = local_tokenizer(config)
    if config.model.pretrained is not None and path is not None:
        return FastTokenizer.of_pretrained_model(path)
    if path is not None:
        return load_tokenizer(path)
    assert config.tokenizer.name_or_path is not None
    return FastTokenizer.pretrained(config.tokenizer.name_or_path)
