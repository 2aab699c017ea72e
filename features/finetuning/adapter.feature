@allure.label.epic:Fine-tuning @critical
Feature: An adapter is trained, and the pretrained model stays as it was
  An engineer adapts a model of gigabytes on one machine. What is saved is the adapter, what is resumed is exact,
  and the model that others use is untouched.

  @REQ-TUNE-01
  Rule: The pretrained matrices are held in the bits that were asked for

    Scenario Outline: A model in <quantization> takes <bits> bits a number
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting                   | value          |
        | model.quantization        | <quantization> |
        | model.double_quantization | <double>       |
      When its model is loaded
      Then its 14 matrices are held as <kind> in <bits> bits a number
      And each differs from the original by <least> to <most> of its size

      Examples:
        | quantization | double | kind             | bits | least | most  |
        | nf4          | true   | FrozenLinear4bit | 4    | 0.05  | 0.12  |
        | nf4          | false  | FrozenLinear4bit | 4    | 0.05  | 0.12  |
        | fp4          | true   | FrozenLinear4bit | 4    | 0.05  | 0.20  |
        | int8         | true   | FrozenLinear8bit | 8    | 0.001 | 0.012 |

  @REQ-TUNE-02
  Rule: Only the adapter is trained

    Scenario Outline: Nothing but the adapter of a <architecture> in <quantization> is trainable, and all of it learns
      Given a tiny pretrained <architecture> and a small experiment that adapts it with
        | setting             | value          |
        | model.quantization  | <quantization> |
        | lora.dropout        | <dropout>      |
        | lora.target_modules | <targets>      |
      When its model is loaded
      Then only weights of the adapter are trainable, <numbers> numbers
      And a backward pass gives every one of them a gradient
      And evaluating it twice and training in between gives the base the same logits

      Examples:
        | architecture | quantization | dropout | targets          | numbers |
        | llama        | none         | 0       | all-linear       | 8192    |
        | llama        | nf4          | 0       | [q_proj, v_proj] | 1792    |
        | llama        | int8         | 0.2     | all-linear       | 8192    |
        | starcoder2   | nf4          | 0.2     | all-linear       | 6656    |
        | qwen2        | fp4          | 0       | [q_proj, v_proj] | 1792    |

    Scenario Outline: The adapter of a <architecture> gets the gradients that peft gives it
      Given a tiny pretrained <architecture> and a small experiment that adapts it with
        | setting             | value   |
        | model.compute_dtype | float32 |
        | lora.alpha          | 12      |
      When a backward pass is made by us and by peft, with the same weights
      Then both give the adapter the same gradients, within 1e-5 of the largest

      Examples:
        | architecture |
        | llama        |
        | starcoder2   |

    Scenario: Training changes no byte of the pretrained model
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting            | value |
        | model.quantization | nf4   |
      When it is launched
      Then the run is cleaned
      And no byte of the pretrained model has changed

    Scenario Outline: The loss computed a few tokens at a time is that of all logits at once, <boundaries>
      Given a pretrained llama of 65,536 tokens, whose loss takes several pieces
      When the loss of a batch is computed in pieces and at once, <boundaries>
      Then both losses agree within 1e-6 of their size, and so do the gradients of the adapter within 1e-4
      And masked tokens have no part in it

      Examples:
        | boundaries               |
        | across documents         |
        | each document by itself  |

  @REQ-TUNE-03
  Rule: A checkpoint holds the adapter, and names the base that it belongs to

    Scenario: The base is not copied into any checkpoint
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting            | value |
        | model.quantization | nf4   |
      When it is launched
      Then each checkpoint holds the adapter alone, 28 tensors in less than 0.5 of the base's bytes
      And each checkpoint names the SHA-256 of the base

    Scenario: A run is not gone on with on another base
      Given a tiny pretrained llama and a small experiment that adapts it
      And its launch was killed at step 8
      And a bit of the pretrained weights has flipped
      When the run folder is launched again
      Then the launch is refused with "is not the base model that it was begun with"

  @REQ-TUNE-04 @blocker
  Rule: A killed fine-tuning ends as if it had never been killed

    Scenario Outline: Exact resume of an adapter in <quantization>, computed in <dtype>
      Given a tiny pretrained <architecture> and a small experiment that adapts it with
        | setting                             | value          |
        | model.quantization                  | <quantization> |
        | model.compute_dtype                 | <dtype>        |
        | lora.dropout                        | 0.1            |
        | training.use_gradient_checkpointing | <recompute>    |
      And it has been trained elsewhere without interruption
      And its launch was killed at step 8
      When it is launched again
      Then the launch makes the steps 7 to 12
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | architecture | quantization | dtype    | recompute |
        | llama        | nf4          | bfloat16 | false     |
        | starcoder2   | fp4          | float32  | true      |
        | qwen2        | int8         | bfloat16 | false     |
        | llama        | none         | float32  | false     |

    Scenario: Exact resume of a model that is trained whole
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting | value |
        | lora    | none  |
      And it has been trained elsewhere without interruption
      And its launch was killed at step 8
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's
