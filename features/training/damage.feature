@allure.label.epic:Training
@blocker
Feature: Damage to a checkpoint costs the steps since the one before it, and never more
  Disks lose bits, copies are cut short, people move folders about. Whatever happened to the newest checkpoint,
  the same command goes on from the newest whole one to the same weights, says what was wrong, and deletes nothing.

  @REQ-DAMAGE-01
  Rule: A damaged checkpoint is set aside as it is, and the newest whole one is used

    Scenario Outline: Noticed in the newest checkpoint: <damage>
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And checkpoint 10 has suffered <damage>
      When the killed run is launched again
      Then it is told that checkpoint 10 was set aside because "<reason>"
      And the launch goes on at step 10 and completes the run
      And what was set aside is what was damaged, byte for byte
      And the run has become identical to the uninterrupted one

      Examples: bytes
        | damage                                        | reason                              |
        | a flipped byte, the first of model.safetensors      | not a whole safetensors file  |
        | a flipped byte, the middle of model.safetensors     | SHA-256                       |
        | a flipped byte, the last of model.safetensors       | SHA-256                       |
        | a flipped byte, the first of optimizer.safetensors  | not a whole safetensors file  |
        | a flipped byte, the middle of optimizer.safetensors | SHA-256                       |
        | a flipped byte, the last of optimizer.safetensors   | SHA-256                       |
        | a flipped byte, the first of state.json             | SHA-256                       |
        | a flipped byte, the middle of state.json            | SHA-256                       |
        | a flipped byte, the last of state.json              | SHA-256                       |
        | a flipped byte, the first of manifest.json          | manifest.json                 |
        | a flipped byte, the middle of manifest.json         | manifest.json                 |
        | a flipped byte, the last of manifest.json           | manifest.json                 |
        | a cut off end of model.safetensors                  | bytes instead of              |
        | a cut off end of optimizer.safetensors              | bytes instead of              |
        | a cut off end of state.json                         | bytes instead of              |
        | a cut off end of manifest.json                      | manifest.json is not JSON     |
        | an empty model.safetensors                          | 0 bytes instead of            |
        | an empty manifest.json                              | manifest.json is not JSON     |
        | another validation loss in manifest.json            | manifest.json does not have the SHA-256 |

      Examples: files
        | damage                                        | reason                              |
        | the loss of model.safetensors                 | model.safetensors is missing        |
        | the loss of optimizer.safetensors             | optimizer.safetensors is missing    |
        | the loss of state.json                        | state.json is missing               |
        | the loss of manifest.json                     | manifest.json cannot be read        |
        | the loss of all its files                     | manifest.json cannot be read        |
        | a file in place of the folder                 | manifest.json cannot be read        |
        | a folder in place of state.json               | state.json is missing               |

      Examples: what a peer goes on without, and does not mention
        | damage                                                | reason                                 |
        | the loss of optimizer.safetensors, also from its manifest | optimizer.safetensors is not listed |
        | the loss of state.json, also from its manifest        | state.json is not listed               |
        | the loss of model.safetensors, also from its manifest | model.safetensors is not listed        |

      Examples: what belongs elsewhere
        | damage                                  | reason                                        |
        | the manifest of a future format         | is of format 2, this foundry reads format 1                      |
        | the weights of checkpoint 9             | SHA-256                                       |
        | the whole content of checkpoint 9       | its manifest says step 9                               |
        | the content of another run's checkpoint | it belongs to a run with fingerprint          |
        | weights of another shape                | model.safetensors                             |

    Scenario: Two damaged checkpoints in a row are set aside, and the third is used
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And checkpoint 10 has suffered a cut off end of model.safetensors
      And checkpoint 9 has suffered the loss of state.json
      When the killed run is launched again
      Then it is told that checkpoint 10 was set aside because "bytes instead of"
      And it is told that checkpoint 9 was set aside because "state.json is missing"
      And the launch goes on at step 9 and completes the run
      And what was set aside is what was damaged, byte for byte
      And the run has become identical to the uninterrupted one

    Scenario: Two checkpoints whose folders were swapped are both set aside
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And the folders of the checkpoints 9 and 10 were swapped
      When the killed run is launched again
      Then it is told that checkpoint 10 was set aside because "its manifest says step 9"
      And it is told that checkpoint 9 was set aside because "its manifest says step 10"
      And the launch goes on at step 9 and completes the run
      And the run has become identical to the uninterrupted one

    @normal
    Scenario: A file that the system left in a checkpoint is no damage
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And checkpoint 10 has suffered a file .DS_Store beside the others
      When the killed run is launched again
      Then the launch goes on at step 11 and completes the run
      And no checkpoint was set aside
      And the run has become identical to the uninterrupted one

  @REQ-DAMAGE-02
  Rule: A flipped bit is noticed wherever it is

    Scenario: None of 40 flipped bits is overlooked
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And 40 newer checkpoints, each with a bit flipped at another place
      When the killed run is launched again
      Then all of these checkpoints are set aside
      And the launch goes on at step 11 and completes the run
      And what was set aside is what was damaged, byte for byte
      And the run has become identical to the uninterrupted one

  @REQ-DAMAGE-03
  Rule: Without a whole checkpoint a run stops, and never starts over in silence

    Scenario Outline: Without a whole checkpoint a launch stops: <case>
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And every one of its checkpoints has suffered <damage>
      When the killed run is launched <launches>
      Then the last launch has stopped with "<message>"
      And no step was made
      And what was set aside is what was damaged, byte for byte

      Examples:
        | case                                | damage                         | launches    | message                                |
        | all are damaged                     | a cut off end of manifest.json | again       | none of the 4 checkpoints is whole     |
        | all were set aside by a launch before | a cut off end of manifest.json | twice       | none of the 4 checkpoints is whole |
        | and after many launches             | the loss of state.json         | four times  | none of the 4 checkpoints is whole |

    Scenario Outline: Without <what> a launch stops
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And <what> of the killed run is gone
      When the killed run is launched again
      Then the last launch has stopped with "the run had come to step 10, and its checkpoints are gone"
      And no step was made

      Examples:
        | what                       |
        | the folder checkpoints     |
        | the content of checkpoints |

    Scenario: A copy that is put back is used, and the run goes on as if nothing had happened
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And a copy of checkpoint 10 was kept elsewhere
      And every one of its checkpoints has suffered a cut off end of model.safetensors
      And the killed run was launched in vain
      And the copy of checkpoint 10 was put back
      When the killed run is launched again
      Then the launch goes on at step 11 and completes the run
      And what was set aside is what was damaged, byte for byte
      And the run has become identical to the uninterrupted one
