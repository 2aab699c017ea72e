@allure.label.epic:Artifacts
@blocker
Feature: A team's registry gets the best model, and nothing local is removed before it has confirmed
  A team's model lives in its registry. The copies on the training machine are the only ones until Weights & Biases has
  said what it holds, and whatever goes wrong on the way there, one command finishes it later.

  @REQ-WANDB-01
  Rule: The best checkpoint is published, with everything that generating needs

    @wandb_cloud
    Scenario: A model that gets worse reaches the registry as it was at its best
      Given a Weights & Biases service
      And a small experiment whose validation loss rises
      And it is to be published to Weights & Biases
      And the working folder is a git repository with a commit
      When it is launched
      Then the best step is not the last step
      And the registry's best model has the files of the best checkpoint, configuration and tokenizer
      And the registry names it best and by the run, with step, validation loss, commit and fingerprint
      And the run is cleaned

  @REQ-WANDB-02
  Rule: Nothing local is removed before the registry has confirmed what it holds

    Scenario Outline: Every checkpoint is there while <moment>
      Given a Weights & Biases service
      And a model that was trained while Weights & Biases was offline
      When it is published to a service that stops to think at <operation>
      Then every checkpoint was there then, and the run was still stopped
      And the run is cleaned

      Examples:
        | moment                                        | operation            |
        | the weights are under way                     | upload               |
        | the service has all files, and commits them   | CommitArtifact       |
        | the service is asked what it holds            | FetchArtifactManifest |

    Scenario: No second copy of the weights is made on this machine
      Given a Weights & Biases service
      And a model that was trained while Weights & Biases was offline
      When it is published to a service that stops to think at upload
      Then no other copy of the weights was on this machine then

  @REQ-WANDB-03
  Rule: Whatever goes wrong, the checkpoints stay, and the next launch publishes without training

    Scenario Outline: A service that <trouble> costs nothing but a command
      Given a Weights & Biases service
      And it is given <seconds> s to be published
      And a model that was trained while Weights & Biases was offline
      And the service <trouble>
      And publishing it has failed with "<message>"
      And the service is itself again
      When it is launched again
      Then the launch makes no step
      And the registry's best model has the weights that the run says are published
      And the run is cleaned

      Examples:
        | trouble                             | seconds | message                                                            |
        | never answers an upload             | 4       | has not confirmed the upload within 4 s (artifacts.upload_timeout) |
        | answers every upload with 500       | 60      | did not take the upload                                            |
        | cuts every upload in the middle     | 60      | did not take the upload                                            |
        | refuses connections                 | 8       | cannot be reached                                                  |
        | says that a file has another digest | 60      | does not hold what was sent (model.safetensors)                    |
        | has no room left for the team       | 60      | quota exceeded                                                     |
        | lets the key in no longer           | 60      | does not accept the API key (401): set WANDB_API_KEY               |

    Scenario Outline: A service that <trouble> is tried again until it has the model
      Given a Weights & Biases service
      And a model that was trained while Weights & Biases was offline
      And the service <trouble>
      When it is published
      Then the registry's best model has the weights that the run says are published
      And the run is cleaned

      Examples:
        | trouble                                                |
        | answers two uploads with 500                           |
        | answers one upload with 429                            |
        | cuts one upload in the middle                          |
        | dies at the first upload, and comes back               |
        | does not answer for a moment after it has all files    |

    Scenario: A launch that ends in a failed upload says how to finish it
      Given a Weights & Biases service
      And a small experiment
      And it is to be published to Weights & Biases
      And the service has no room left for the team
      When it is launched
      Then the launch fails with "`foundry publish runs/small-"
      And the run is stopped
      And the best and the last step are checkpointed

  @REQ-WANDB-04
  Rule: What is published is not sent again

    Scenario: An early-stopped and published run asks nothing of the service when it is relaunched
      Given a Weights & Biases service
      And a small experiment that stops early
      And it is to be published to Weights & Biases
      And it has been trained
      And what the service was asked so far is noted
      When it is launched again
      Then the launch makes no step
      And the service was asked nothing since

    Scenario: A run that was killed between the service's word and its own record sends no file twice
      Given a Weights & Biases service
      And a model that was trained while Weights & Biases was offline
      And publishing it was killed when the service was asked what it holds
      When it is launched again
      Then each file was uploaded once
      And the run is cleaned

  @REQ-WANDB-05
  Rule: Offline, nothing is sent, and the user hears how to send it later

    Scenario Outline: A run whose <where> says <mode> waits to be published
      Given a Weights & Biases service
      And a small experiment
      And it is to be published to Weights & Biases
      And <where> says <mode>
      When it is launched
      Then the run is stopped
      And the best and the last step are checkpointed
      And the service was never asked anything
      And a message names `foundry publish`

      Examples:
        | where                    | mode     |
        | its experiment           | offline  |
        | the variable WANDB_MODE  | offline  |
        | its experiment           | disabled |

    @wandb_cloud
    Scenario: The command that was named publishes it, without its corpus
      Given a Weights & Biases service
      And a small experiment
      And it is to be published to Weights & Biases
      And its experiment says offline
      And it has been trained
      And its corpus is gone
      When it is published
      Then the registry's best model has the weights that the run says are published
      And the run is cleaned

    Scenario: Only a run that has come to its end is published
      Given a Weights & Biases service
      And a small experiment
      And it is to be published to Weights & Biases
      And its launch received SIGTERM at step 5
      When it is published
      Then publishing is refused with "is interrupted after step 5, and only a run that has come to its end is published"
      And the registry holds no model

  @REQ-WANDB-06
  Rule: A key that will not do is noticed before anything is trained

    Scenario Outline: With <key> nothing is trained
      Given a Weights & Biases service
      And a small experiment
      And it is to be published to Weights & Biases
      And the user has <key>
      When it is launched
      Then the launch is refused with "<message>"
      And nothing was trained

      Examples:
        | key                             | message                                                                |
        | no API key                      | there is no usable API key for http://127.0.0.1                        |
        | an API key that was cut off     | API key must have 40+ characters                                       |
        | an API key that has expired     | does not accept the API key (401): set WANDB_API_KEY                   |
        | WANDB_MODE set to dryrun        | WANDB_MODE: must be one of online, offline, disabled, got dryrun       |

    Scenario: An entity that is not the user's is mentioned before anything is trained
      Given a Weights & Biases service
      And a small experiment
      And it is to be published to Weights & Biases
      And its experiment names the entity somebody-else
      When it is launched
      Then the user is warned before the first step that "somebody-else is none of those that the API key is known to belong to"
      And the run is stopped

    Scenario: A service that cannot be reached does not keep a run from being trained
      Given a Weights & Biases service
      And a small experiment
      And it is given 8 s to be published
      And it is to be published to Weights & Biases
      And the service refuses connections
      When it is launched
      Then the launch fails with "cannot be reached"
      And the run is stopped
      And the best and the last step are checkpointed

  @REQ-WANDB-07
  Rule: A long upload shows how far it is

    Scenario: A slow link shows the bytes that are sent
      Given a Weights & Biases service
      And a model of 16 MB that was trained while Weights & Biases was offline
      And the service takes 8 MB a second
      When it is published
      Then the bytes that were sent were told while they grew
      And the run is cleaned
