@allure.label.epic:Fine-tuning @critical
Feature: What was learned can be handed to others
  A colleague loads the adapter with peft, a server loads the merged model with transformers; neither needs foundry.

  @REQ-TUNE-05
  Rule: peft loads the exported adapter

    Scenario Outline: An adapter of <architecture> with <setting> at <value> is the same model in peft
      Given a tiny pretrained <architecture> and a small experiment that adapts it with
        | setting                | value   |
        | training.learning_rate | 0.05    |
        | <setting>              | <value> |
      And it has been trained
      When the run folder is exported to adapter with no options
      Then the folder adapter holds adapter_config.json, adapter_model.safetensors, training_info.json, tokenizer.json
      And adapter describes itself with <key> at <described>
      And peft loads adapter on the base, and its logits are the run's within 1e-3

      Examples:
        | architecture | setting             | value            | key            | described            |
        | llama        | lora.target_modules | [q_proj, v_proj] | target_modules | ["q_proj", "v_proj"] |
        | llama        | lora.dora           | true             | use_dora       | true                 |
        | qwen2        | lora.rslora         | true             | use_rslora     | true                 |
        | starcoder2   | lora.bias           | all              | bias           | "all"                |
        | starcoder2   | lora.bias           | lora_only        | bias           | "lora_only"          |

  @REQ-TUNE-06
  Rule: transformers loads the merged model

    Scenario Outline: An adapter of <architecture> trained in <quantization> is merged into the unquantised base
      Given a tiny pretrained <architecture> and a small experiment that adapts it with
        | setting                | value          |
        | training.learning_rate | 0.05           |
        | model.quantization     | <quantization> |
      And it has been trained
      When the run folder is exported to merged with --merge
      Then the folder merged holds config.json, model.safetensors, training_info.json, tokenizer.json
      And transformers loads merged, and its logits are those of the adapter on the unquantised base within 1e-3
      And what transformers saves of merged is byte for byte what was there

      Examples:
        | architecture | quantization |
        | llama        | nf4          |
        | starcoder2   | int8         |
        | qwen2        | none         |

    Scenario: An adapter is not merged into 4-bit weights
      Given a tiny pretrained llama and a small experiment that adapts it
      And it has been trained
      When the run folder is exported to merged with --merge --dtype nf4
      Then the export is refused with "an adapter is not merged into quantised weights", and nothing is left

    Scenario: An adapter is not merged into another base
      Given a tiny pretrained llama and a small experiment that adapts it
      And it has been trained
      And a bit of the pretrained weights has flipped
      When the run folder is exported to merged with --merge
      Then the export is refused with "is not the base that was trained on", and nothing is left

    Scenario: A base that was moved is named
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting                | value |
        | training.learning_rate | 0.05  |
      And it has been trained
      And the pretrained weights were put elsewhere
      When the run folder is exported to merged with --merge --base
      Then the folder merged holds config.json, model.safetensors
