@allure.label.epic:Models
@blocker
Feature: The loss counts each real next token once
  Training, validation and early stopping all trust this number.

  @REQ-MODELS-08
  Rule: The loss is the sum of the next tokens' cross-entropies, padding left out

    Scenario Outline: The loss of <architecture> equals a sum over single tokens
      Given a <architecture> with weights far from zero
      When it judges blocks of 16 tokens, of which 16, 9 and 2 are real
      Then the loss is the sum over 24 next tokens, each computed alone

      Examples:
        | architecture |
        | decoder      |
        | gpt2         |

    Scenario: What stands in the padding changes nothing
      Given a decoder with weights far from zero
      When it judges the same padded blocks with other tokens in the padding
      Then the loss and every gradient are bit-identical

    Scenario: Under bfloat16 autocast the loss is still summed in float32
      Given a decoder with weights far from zero
      When it judges blocks of 16 tokens under bfloat16 autocast
      Then the loss is a float32 number within one percent of the float32 loss

  @REQ-MODELS-09
  Rule: Gradient checkpointing changes the memory, and no bit of a gradient

    Scenario Outline: <architecture> has the same gradients with dropout on
      Given a <architecture> with dropout
      When it learns with and without gradient checkpointing from the same seed
      Then every gradient of the model is bit-identical
      And fewer bytes are kept for the backward pass

      Examples:
        | architecture |
        | decoder      |
        | gpt2         |

  @REQ-MODELS-10
  Rule: Dropout acts in training alone

    Scenario: Two passes agree when evaluated, and differ in training
      Given a decoder with dropout
      When it reads the same tokens twice in evaluation and twice in training
      Then the evaluated logits are bit-identical, and the trained ones differ
