@allure.label.epic:Generation
@critical
Feature: A generator is loaded from wherever a model is kept
  A run folder, an artifact and a Hugging Face folder are all one to the user.

  @REQ-GENERATION-14
  Rule: A Hugging Face folder can be generated from

    Scenario Outline: A <architecture> saved by transformers writes what it wrote before
      Given a random <architecture>, saved in a folder by transformers
      When a generator is loaded from the folder
      Then it continues a prompt as the original does

      Examples:
        | architecture |
        | gpt2         |
        | llama        |

    Scenario: A special token that the folder's model lacks is refused in a prompt
      Given a random gpt2 without our special tokens, saved in a folder by transformers
      When a generator is loaded from the folder and continues "<|commit|>fix"
      Then generation is refused because "the prompt holds a special token that the model's vocabulary lacks"

  @REQ-GENERATION-16
  Rule: A trained run and what it published can be generated from

    Scenario: A run folder and its artifact hold the same model
      Given a small experiment has been trained and published
      When generators are loaded from its run folder and from its artifact
      Then both hold the published weights
      And both write the same text

    Scenario: A damaged artifact is refused
      Given a small experiment has been trained and published
      When a byte of the published weights flips, and a generator is loaded from the artifact
      Then generation is refused because "the artifact is damaged"

    Scenario: A run whose artifact was moved says where it had been published
      Given a small experiment has been trained and published
      When the artifact is moved, and a generator is loaded from the run folder
      Then generation is refused because "and is gone from there; name its new place"

  @REQ-GENERATION-15
  Rule: A folder without a model is refused by name

    Scenario Outline: <folder> is refused
      When loading a generator from <folder> is tried
      Then generation is refused because "<reason>"

      Examples:
        | folder                           | reason                                   |
        | a folder that is not there       | no such folder                           |
        | an empty folder                  | neither a run                            |
        | a configuration without weights  | not a causal model of transformers       |
        | weights with a cut off end       | not a causal model of transformers       |
