@allure.label.epic:Models
@critical
Feature: Weights on disk come back exactly, or not at all
  What was trained for a week is one file.

  @REQ-MODELS-11
  Rule: Saved weights come back bit-identical

    Scenario Outline: The weights of <name> survive a round trip
      Given a model with
        | setting        | value          |
        | architecture   | <architecture> |
        | embedding_size | <embedding>    |
        | tie_embeddings | <tied>         |
      When it is saved, and loaded into one made with another seed
      Then the loaded weights are bit-identical
      And each shared matrix stands in the file once

      Examples:
        | name                   | architecture | embedding | tied  |
        | a decoder              | decoder      | none      | true  |
        | a decoder, not tied    | decoder      | none      | false |
        | a narrow embedding     | decoder      | 16        | true  |
        | gpt2                   | gpt2         | none      | true  |

  @REQ-MODELS-12
  Rule: A file that does not fit changes no weight

    Scenario Outline: <fault> is refused
      Given a model with
        | setting | value |
        | layers  | 2     |
      When a file with <fault> is loaded into it
      Then the model is refused with "<message>"
      And the model's weights are unchanged

      Examples:
        | fault                        | message                                    |
        | a cut off end                | is not a whole safetensors file            |
        | one layer less               | tensors that are needed, such as layers.1. |
        | one layer more               | tensors that have no place, such as layers.2. |
        | another vocabulary           | holds embedding.weight as F32 of shape (300, 64), but F32 of shape (512, 64) is needed |
        | another inner width          | holds layers.0.feed_forward.gate_and_up.weight as F32 of shape (192, 64), but F32 of shape (384, 64) is needed |
        | nothing, as it is missing    | cannot be read: No such file               |
