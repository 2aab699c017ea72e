@allure.label.epic:Generation
@critical
Feature: Text is written faster on a CPU, and stays the text of the model
  What makes a pretrained model quick on a laptop must not make another model of it; where numbers are rounded to be
  quicker still, the user asks for it and knows how far the texts part.

  @REQ-GENERATION-17
  Rule: Stored weights give the text of transformers, eight bits nearly so

    @blocker
    Scenario: SmolLM2 writes what it writes in transformers, and agrees with itself in 8 bits
      Given the real weights of SmolLM2-135M-Instruct, saved in a folder by transformers
      When generators with stored and with 8-bit weights are loaded from the folder, for two cores
      Then with stored weights 2 prompts are continued by 16 tokens as transformers continues them
      And with stored weights no logit of a Python file is 0.001 away from that of transformers
      And with 8-bit weights at least 95 % of the file's likeliest next tokens stay the same
      And the 8-bit weights take less than half of the memory

    Scenario Outline: A <architecture> of odd sizes writes its text on two cores, alone and in a batch
      Given a random <architecture> with layers of odd sizes, saved in a folder by transformers
      When a generator is loaded from the folder, and continues 3 prompts by 12 tokens in a batch and each alone, on two cores
      Then both are the texts of the plain calculation

      Examples:
        | architecture |
        | qwen2        |
        | llama        |

  @REQ-GENERATION-18
  Rule: Eight bits are refused where there is nothing to hold in them

    Scenario: A GPT-2, which has no linear layers, is refused
      Given a random gpt2, saved in a folder by transformers
      When loading a generator with 8-bit weights from the folder is tried
      Then generation is refused because "weights int8: beside its output layer, the model has no plain linear layers"
