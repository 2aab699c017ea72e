@allure.label.epic:Fine-tuning @critical
Feature: What a fine-tuning takes is known before and measured after
  An engineer learns from the configuration alone whether a model fits the machine, and the figures add up.

  @REQ-TUNE-09
  Rule: The size of a model and of its adapter are counted without its weights

    Scenario: StarCoder2-3B has 3.03 billion parameters, of which its adapter trains 0.39 per cent
      Given the published shape of starcoder2-3b in the folder shape
      When the numbers of shape are asked for with
        | setting              | value |
        | model.quantization   | nf4   |
        | data.batch_size      | 1     |
      Then they are
        | name                 | value      |
        | total_parameters     | 3030371328 |
        | trainable_parameters | 11919360   |
        | trainable_percent    | 0.3933     |
        | adapter_bytes        | 47677440   |
        | optimizer_bytes      | 95354880   |
      And the estimates add up to the peak of training

    Scenario: The target modules of the Qwen configuration match its published shape
      Given the published shape of qwen2.5-coder-1.5b in the folder shape
      When the numbers of shape are asked for with
        | setting             | value                             |
        | lora.r              | 16                                |
        | lora.target_modules | [q_proj, k_proj, v_proj, o_proj]  |
        | data.batch_size     | 1                                 |
      Then they are
        | name                 | value      |
        | total_parameters     | 1543714304 |
        | trainable_parameters | 4358144    |
      And the estimates add up to the peak of training
