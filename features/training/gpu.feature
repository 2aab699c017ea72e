@allure.label.epic:Training
@critical @gpu
Feature: Training on a GPU keeps every promise
  What is promised on a laptop is promised on a GPU host. These scenarios need a CUDA GPU.

  @REQ-GPU-01
  Rule: A killed run ends as if it had never been killed

    Scenario Outline: Exact resume in <precision>
      Given a small experiment with
        | setting             | value       |
        | training.device     | cuda        |
        | training.use_amp    | <amp>       |
        | training.amp_dtype  | <precision> |
        | model.dropout       | 0.2         |
      And it has been trained elsewhere without interruption
      And its launch was killed at step 8
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | precision | amp   |
        | bfloat16  | false |
        | bfloat16  | true  |
        | float16   | true  |

  @REQ-GPU-02
  Rule: A run may move between GPU and CPU

    Scenario: A run begun on a GPU goes on on the CPU
      Given a small experiment with
        | setting         | value |
        | training.device | cuda  |
      And its launch was killed at step 8
      And with the setting training.device at cpu
      When it is launched again
      Then the launch makes the steps 7 to 12
      And the run is cleaned

    Scenario: A run begun on the CPU goes on on a GPU
      Given a small experiment
      And its launch was killed at step 8
      And with the setting training.device at cuda
      When it is launched again
      Then the launch makes the steps 7 to 12
      And the run is cleaned

    Scenario: A run begun on the first GPU goes on on the second
      Given a machine with 2 GPUs
      And a small experiment with
        | setting         | value  |
        | training.device | cuda:0 |
      And its launch was killed at step 8
      And with the setting training.device at cuda:1
      When it is launched again
      Then the launch makes the steps 7 to 12
      And the run is cleaned

  @REQ-GPU-04
  Rule: The kernels that are used give the same bits each time

    Scenario Outline: The same experiment gives the same bits twice, in <precision>
      Given a small experiment with
        | setting                    | value       |
        | training.device            | cuda        |
        | training.use_amp           | <amp>       |
        | training.amp_dtype         | <precision> |
        | model.dropout              | 0.2         |
        | training.async_checkpoints | true        |
      And it has been trained elsewhere without interruption
      When it is launched
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | precision | amp   |
        | bfloat16  | false |
        | bfloat16  | true  |
        | float16   | true  |

    Scenario: The fused optimizer on a GPU makes the steps of the CPU's
      Given a small experiment
      And it has been trained elsewhere without interruption
      And with the setting training.device at cuda
      When it is launched
      Then its losses are within 1e-3 of the reference's, step by step

  @REQ-GPU-05
  Rule: What a run has used on a GPU is free when it is over

    Scenario: Twenty runs on a GPU take no more than one
      Given a small experiment with
        | setting              | value |
        | training.device      | cuda  |
        | training.train_steps | 4     |
      When 20 runs are made in one process, each with a seed of its own
      Then no tensor, thread or open file of a run is left after it

  @REQ-GPU-03
  Rule: float16 gradients are unscaled before they are clipped

    Scenario: The gradient norms of float16 are those of float32
      Given a small experiment with
        | setting                | value |
        | training.device        | cuda  |
        | training.max_grad_norm | 0.5   |
      And it has been trained elsewhere without interruption
      And with the setting training.use_amp at true
      And with the setting training.amp_dtype at float16
      When it is launched
      Then the gradient norms of its first steps are within 5 % of the reference's
