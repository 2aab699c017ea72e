@allure.label.epic:Fine-tuning @critical @gpu
Feature: Fine-tuning on a GPU keeps every promise
  What is promised on a laptop is promised on a GPU host. These scenarios need a CUDA GPU.

  @REQ-TUNE-11
  Rule: A killed fine-tuning on a GPU ends as if it had never been killed

    Scenario Outline: Exact resume on a GPU in <quantization>, computed in <dtype>
      Given a tiny pretrained <architecture> and a small experiment that adapts it with
        | setting             | value          |
        | training.device     | cuda           |
        | model.quantization  | <quantization> |
        | model.compute_dtype | <dtype>        |
        | lora.dropout        | 0.1            |
      And it has been trained elsewhere without interruption
      And its launch was killed at step 8
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | architecture | quantization | dtype    |
        | llama        | nf4          | bfloat16 |
        | starcoder2   | nf4          | float16  |
        | qwen2        | int8         | bfloat16 |

  @REQ-TUNE-12 @slow
  Rule: A model of the size of StarCoder2-3B fits and trains

    Scenario: Two epochs of ten steps at full size, with memory as estimated
      Given random weights in the published shape of starcoder2-3b, and an experiment file full.yaml of two epochs of ten steps
      When the command "foundry train full.yaml" is run
      Then the command exits with 0
      And the report shows loss, perplexity, gradient norm, memory and time of both epochs
      And the peak of GPU memory that was measured is within 15 % of what was estimated before loading
