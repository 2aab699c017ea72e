@allure.label.epic:Generation
@normal
Feature: The cache of models can be looked at, checked and emptied
  Models are large, and what was fetched once is kept. A user sees what is there, whether it is whole, and gets the
  room back without breaking what is being used.

  @REQ-WANDB-34
  Rule: What is in the cache is listed

    Scenario: A list names each model with version, step and size, and the clones of repositories
      Given a Weights & Biases service
      And two versions of a model were fetched
      And a repository was cloned into the cache
      When the cache is listed as text and as JSON
      Then both name the two versions with step 2, and the clone
      And the sizes are those of the files, and add up

    Scenario: An empty cache is no error
      Given a Weights & Biases service
      When the commands cache list, cache verify and cache prune are run
      Then each of them ends with exit code 0

  @REQ-WANDB-35
  Rule: A model that was damaged in the cache is noticed, and replaced

    @critical
    Scenario Outline: Damage to <file> is noticed when it is used, and the model is fetched again
      Given a Weights & Biases service
      And its best model was fetched
      And a byte of <file> in the cache has flipped
      When a text is generated from the registry
      Then one line says that it is damaged in the cache and fetched again
      And each file is downloaded once
      And it is the text of the local folder

      Examples:
        | file              |
        | model.safetensors |
        | manifest.json     |

    @critical
    Scenario: Damage is refused offline
      Given a Weights & Biases service
      And its best model was fetched
      And a byte of model.safetensors in the cache has flipped
      When a text is generated with --offline
      Then it is refused in one line with "model.safetensors does not have the SHA-256", exit code 1

    @critical
    Scenario: A model that was exchanged for another one is noticed
      Given a Weights & Biases service
      And two versions of a model were fetched
      And the files of the first stand in the place of the second in the cache
      When a text is generated from the registry
      Then one line says that it is damaged in the cache and fetched again
      And it is the text of the new version's local folder

    Scenario: All models are checked, damaged ones are named and removed
      Given a Weights & Biases service
      And two versions of a model were fetched
      And a byte of model.safetensors of the first version has flipped in the cache
      When the cache is verified, verified with --remove, and verified again
      Then the exit codes are 1, 1 and 0
      And the first version is named as damaged, the second as whole
      And the second version alone is left

    Scenario: A record that cannot be read is written anew
      Given a Weights & Biases service
      And its best model was fetched
      And every record in the cache holds junk
      When a text is generated from the registry
      Then it is the text of the local folder
      And the cache still lists the version v0

    Scenario: A cache that cannot be written to serves offline
      Given a Weights & Biases service
      And its best model was fetched
      When a generator is loaded from the registry offline, where the cache cannot be written to
      Then it writes what the local folder writes

  @REQ-WANDB-36
  Rule: Room is given back, and nothing that is used is removed

    Scenario: A version that no alias means any more goes, the other stays
      Given a Weights & Biases service
      And two versions of a model were fetched
      When the cache is pruned
      Then the second version alone is left
      And the bytes that are said to be free are those of the first

    Scenario: What was not used for days goes when that is asked for
      Given a Weights & Biases service
      And its best model was fetched
      And it was last used 10 days ago
      When the cache is pruned twice, with "--older-than 11" and "--older-than 9"
      Then the first leaves the model, and the second removes it

    Scenario: What was used since stays
      Given a Weights & Biases service
      And its best model was fetched
      And it was last used 10 days ago
      And a text was generated from it since
      When the cache is pruned with "--older-than 9"
      Then the cache still lists the version v0

    Scenario: Everything goes with --all
      Given a Weights & Biases service
      And its best model was fetched
      And a repository was cloned into the cache
      And the clone was last used 1 day ago
      When the cache is pruned with "--all"
      Then nothing is in the cache, and no clone

    @critical
    Scenario: A model that another process is using stays
      Given a Weights & Biases service
      And its best model was fetched
      And another process is using it
      When the cache is pruned with "--all"
      Then the model is there, and a line says that it is being used

    @critical
    Scenario: A download that is under way is not disturbed
      Given a Weights & Biases service
      And it has a best model, and sends 100 kB a second
      When the cache is pruned with --all in the middle of a download
      Then the download ends with the text of the local folder

    Scenario: What a killed download has left goes
      Given a Weights & Biases service
      And it has a best model
      And generating from it was ended by SIGKILL in the middle of the download
      When the cache is pruned
      Then nothing is in the cache
