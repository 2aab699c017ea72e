# An experiment on tokens that were made before.
@allure.label.epic:Pipeline @critical
Feature: An experiment trains on tokens that were made already
  What a pipeline has tokenized goes through the one trainer, with all that holds for any other run,
  and can be carried to another machine.

  @REQ-PREPARED-01
  Rule: The run is one like any other

    Scenario: The trainer learns from exactly these sequences
      Given an experiment on a history that has been tokenized
      When it is launched
      Then its first loss is that of the first batch of these sequences, repeated tokens and padding left out
      And the run is cleaned
      And its record names the digest of these sequences

    Scenario: Killed and launched again, it ends in the same weights
      Given an experiment on a history that has been tokenized
      And it has been trained elsewhere without interruption
      And its launch was killed at step 7
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

    Scenario: Documents are kept apart where it is asked for
      Given an experiment on a history that has been tokenized
      And with the setting data.attend_across_documents at false
      When it is launched
      Then its first loss is the mean over the targets of its first batch, each document by itself

    Scenario: Without a share of validation the held-out sequences are left alone
      Given an experiment on a history that has been tokenized
      And with the setting data.validation_fraction at 0
      And with the setting logging.log_interval at 5
      When it is launched
      Then no validation loss was computed
      And verifying the run finds no damage

    Scenario: A run on tokens is verified, and shown before it is begun
      Given an experiment on a history that has been tokenized
      When it is launched
      Then verifying the run finds no damage
      And its plan names the folder and the size of its vocabulary

    Scenario: An experiment that was saved with every default loads again
      Given an experiment on a history that has been tokenized
      When it is launched
      Then the configuration in its run folder is that experiment

  @REQ-PREPARED-02
  Rule: The tokens are known by what they are, not by where they lie

    Scenario: Moved to another place, the tokens belong to the same run
      Given an experiment on a history that has been tokenized
      And it has been trained
      When the sequences are moved, and it is launched from there
      Then the launch makes no step

    Scenario: Other tokens are another run
      Given an experiment on a history that has been tokenized
      And it has been trained
      When the history is tokenized with another overlap, and it is launched
      Then the run folder is another than before

  @REQ-PREPARED-03
  Rule: Tokens that do not go with the experiment are refused before anything is spent

    Scenario Outline: <case> is refused
      Given an experiment on a history that has been tokenized
      And in its sequences, <case>
      When it is launched
      Then the launch is refused with "<message>"
      And no run folder was made

      Examples:
        | case                            | message                                                                                                                                              |
        | there is nothing                | data.prepared: pipelines/sample/sequences holds no prepared data (statistics.json is missing); name the folder that was tokenized                     |
        | statistics.json is a list       | data.prepared: pipelines/sample/sequences holds no prepared data (statistics.json is no description of it:                                            |
        | the length is another           | data.max_sequence_length (16) must equal the length of the sequences in data.prepared (32 in pipelines/sample/sequences)                              |
        | a byte of train.bin has flipped | is damaged (train.bin is not what was written)                                                                                                       |
        | a token is beyond the vocabulary | is damaged (it holds tokens beyond its vocabulary, or none)                                                                                         |
        | the hashes of documents are gone | is damaged (documents/trained.hashes is missing)                                                                                                    |
        | nothing is kept for validation  | data.prepared: pipelines/sample/sequences keeps nothing for validation; set data.validation_fraction to 0                                            |

    Scenario: Tokens of another tokenizer than the pretrained model's own are refused
      Given an experiment on a history that has been tokenized
      And it adapts a tiny pretrained llama instead
      When it is launched
      Then the launch is refused with "data.prepared: the tokens in pipelines/sample/sequences were not made by the tokenizer of"

    Scenario: What is new in tokens cannot be told, so they are not trained on incrementally
      Given an experiment on a history that has been tokenized
      And it has been trained
      When it is launched with what is new alone
      Then the launch is refused with "--incremental: data.prepared holds tokens, in which what is new cannot be told from what is not; train them as a run of their own, or name the corpus itself"
