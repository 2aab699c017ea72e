@allure.label.epic:Generation
@critical
Feature: A model in the registry is fetched once, and generated from anywhere
  Whoever is given the name of a model writes with it, on a machine that has never seen the run. Its files come from
  the registry once, and from the cache after that, without a network; what does not verify is never used.

  @REQ-WANDB-30
  Rule: A model in the registry writes what its local folder writes

    @wandb_cloud @blocker
    Scenario: A run that was published and cleaned writes from its folder, and its model by its name
      Given a Weights & Biases service
      And a small experiment was trained, published to the registry and cleaned
      When texts are generated from the run's folder, from the registry, and from the registry offline
      Then all of them are what the best checkpoint wrote

    Scenario Outline: A <architecture> is made again from the configuration in the registry
      Given a Weights & Biases service
      And its best model is a <architecture>
      When a text is generated from the registry
      Then it is the text of the local folder, with the defaults of the model's experiment

      Examples:
        | architecture                 |
        | decoder                      |
        | decoder with shared heads    |
        | decoder with tied embeddings |
        | gpt2                         |
        | llama                        |
        | openai-gpt                   |
        | mamba                        |

    Scenario: A checkpoint that the run still has is used as it is
      Given a Weights & Biases service
      And a run that was published as the version v0, and keeps its checkpoints
      When a text is generated from the run's folder
      Then the service is asked nothing
      And it is the text of the local folder

    Scenario: A run whose model is in the cache is generated from without a network
      Given a Weights & Biases service
      And a run that was published as the version v0, and whose model was fetched by another name
      When a text is generated from the run's folder offline
      Then the service is asked nothing
      And it is the text of the local folder

  @REQ-WANDB-31
  Rule: A model is fetched once

    @blocker
    Scenario: The second text needs neither the service nor the client library
      Given a Weights & Biases service
      And its best model was fetched
      When a text is generated from the registry
      Then the service is asked nothing
      And no process is started, and the client library is not imported
      And it is the text of the local folder

    Scenario: A version that is best now is fetched when that is asked anew
      Given a Weights & Biases service
      And its best model was fetched
      And another version has become the best
      When a text is generated with --refresh
      Then each file is downloaded once
      And it is the text of the new version's local folder

    Scenario: A version that is best again is not fetched again
      Given a Weights & Biases service
      And its best model was fetched
      And another version has become the best, was fetched, and is the best no longer
      When a text is generated with --refresh
      Then no file is downloaded
      And it is the text of the local folder

    Scenario: What an alias means is asked again after an hour
      Given a Weights & Biases service
      And its best model was fetched 61 minutes ago
      And another version has become the best
      When a text is generated from the registry
      Then each file is downloaded once
      And it is the text of the new version's local folder

    Scenario: What an alias means is not asked again within an hour
      Given a Weights & Biases service
      And its best model was fetched 59 minutes ago
      And another version has become the best
      When a text is generated from the registry
      Then the service is asked nothing
      And it is the text of the local folder

    Scenario: What a version means is never asked again
      Given a Weights & Biases service
      And the version v0 was fetched 61 minutes ago
      When a text is generated from the version v0
      Then the service is asked nothing
      And it is the text of the local folder

    Scenario: A version that was fetched as the best is not fetched again by its number
      Given a Weights & Biases service
      And its best model was fetched
      When a text is generated from the version v0
      Then no file is downloaded
      And it is the text of the local folder

    Scenario: Offline, the last answer counts, however old it is
      Given a Weights & Biases service
      And its best model was fetched 100000 minutes ago
      And another version has become the best
      When a text is generated with --offline
      Then the service is asked nothing
      And no process is started, and the client library is not imported
      And it is the text of the local folder

    Scenario: Two processes at once fetch it once
      Given a Weights & Biases service
      And it has a best model, and sends 50 kB a second
      When two processes generate from the registry at once
      Then each file is downloaded once
      And one of them says that it waits for the other
      And both write the text of the local folder

  @REQ-WANDB-32
  Rule: A broken download is never used, and leaves nothing

    @blocker
    Scenario: Whatever breaks on the way is noticed, and the next attempt is whole
      Given a Weights & Biases service
      And it has a best model
      When a text is generated from the registry while each of these is so
        | the service                                    | said                                                                   |
        | flips a byte of model.safetensors              | model.safetensors did not arrive as the registry lists it              |
        | flips a byte of manifest.json                  | manifest.json did not arrive as the registry lists it                  |
        | sends model.safetensors without its end        | model.safetensors did not arrive as the registry lists it              |
        | cuts the connection in model.safetensors       | cannot be reached                                                      |
        | stops in the middle of model.safetensors       | did not go on for 3 s; --download-timeout gives it longer              |
        | answers every download with 500                | did not go on for 3 s; --download-timeout gives it longer              |
        | answers every download with 403                | refused                                                                |
        | lists another digest of model.safetensors      | model.safetensors did not arrive as the registry lists it              |
        | lists the files in something that is not JSON  | list of its files cannot be read                                       |
        | does not know who asks                         | does not accept the API key (401)                                      |
        | is gone                                        | cannot be reached                                                      |
      Then each is refused in one line that says so
      And nothing is in the cache after any of them
      And the next attempt writes the text of the local folder

    Scenario: A version in the registry that is not what the run has published is refused
      Given a Weights & Biases service
      And a run that was published as the version v0, which is another model now
      When a text is generated from the run's folder
      Then it is refused in one line with "does not have the SHA-256 that the run lists", exit code 1
      And nothing is in the cache

    Scenario: Without the service, the line names the answer that can be used
      Given a Weights & Biases service
      And its best model was fetched 61 minutes ago
      And the service is gone
      When a text is generated from the registry
      Then it is refused in one line with "; --offline takes wandb://team/acceptance/code_model-a:v0", exit code 1

    Scenario: A download that was killed is begun anew by the next one, which removes what is left of it
      Given a Weights & Biases service
      And it has a best model
      And generating from it was ended by SIGKILL in the middle of the download
      When a text is generated from the registry
      Then it is the text of the local folder
      And nothing half-fetched is in the cache

    Scenario: Ctrl-C in a download leaves nothing
      Given a Weights & Biases service
      And it has a best model
      When generating from it is ended by SIGINT in the middle of the download
      Then it ends with exit code 130
      And nothing is in the cache

    Scenario: A slow download shows how far it is
      Given a Weights & Biases service
      And it has a best model, and sends 100 kB a second
      When generating from it shows its progress on a terminal
      Then the bytes that were received grow to all there are
      And the line that names the version is the last one before the text

  @REQ-WANDB-33
  Rule: What is no model of foundry's is refused in one line, and nothing of it is kept or run

    Scenario: A reference that has not the form of one is refused before anything is started
      Given a Weights & Biases service
      When each of these is generated from
        | reference                     | said                                                  |
        | wandb://                      | has 1 part between slashes instead of 3               |
        | wandb://team/model            | has 2 parts between slashes instead of 3              |
        | wandb://team/a/b/c            | has 4 parts between slashes instead of 3              |
        | wandb://team//model           | the name of a project is missing                      |
        | wandb://team/../model         | .. is not the name of a project                       |
        | wandb://team/code/mo?del      | mo?del is not the name of an artifact                 |
        | wandb://team/code/model:      | the alias after the colon is missing                  |
        | wandb://team/code/model:a:b   | a:b is not an alias                                   |
      Then each is refused in one line that says so, exit code 2
      And the service is asked nothing
      And nothing is in the cache

    Scenario: What does not exist, or is no model, is refused
      Given a Weights & Biases service
      When each of these artifacts is generated from
        | artifact                                     | said                                                    |
        | one that does not exist                      | has no such artifact or alias                           |
        | one in a project that does not exist         | has no such artifact or alias                           |
        | one without the alias that is asked for      | has no such artifact or alias                           |
        | one of type dataset                          | is an artifact of type dataset, not a model             |
        | one without manifest.json                    | has no manifest.json, so it is no model                 |
        | one of format 2                              | is of format 2, this foundry reads format 1; use a newer foundry |
        | one with the manifest of another             | describes other files                                   |
        | one with a file that its manifest lacks      | tokenizer/extra.json                                    |
        | one whose weights are not those it describes | does not have the SHA-256 that manifest.json lists      |
        | one of more bytes than the disk has room for | make room                                               |
      Then each is refused in one line that says so
      And nothing is in the cache

    Scenario: A hostile artifact is refused
      Given a Weights & Biases service
      When each of these artifacts is generated from
        | artifact                                     | said                                                    |
        | one with a pickle beside its weights         | pytorch_model.bin may hold a pickle                     |
        | one with a pickle in place of its weights    | is not a whole safetensors file                         |
        | one with code beside its weights             | custom.py is no file of a model                         |
        | one with a file above its folder             | ../canary is not the name of a file inside              |
        | one with a file at the root of the disk      | is not the name of a file inside                        |
        | one with a backslash in a name               | is not the name of a file inside                        |
        | one with a line break in a name              | is not the name of a file inside                        |
        | one that refers to a file of this machine    | is a link to another place                              |
        | one of a billion layers                      | are too few for the model                               |
        | one that sends more than it lists            | sends more than it lists                                |
      Then each is refused in one line that says so
      And nothing is in the cache
      And nothing of it was executed or put elsewhere
