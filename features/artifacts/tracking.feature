@allure.label.epic:Artifacts
@critical
Feature: Whoever trains watches the run in Weights & Biases, and training never feels it
  Curves that everybody in the team can open are worth having as long as they cost nothing: no step, no second, no run
  that fails at night because a service did. What the metrics file holds, Weights & Biases shows, once, sooner or later.

  @REQ-TRACK-01
  Rule: Weights & Biases shows what the metrics file holds

    @wandb_cloud
    Scenario: A run is shown with its metrics over the global step, its configuration and where it was made
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      When it is launched
      Then each row of its metrics is shown once, under the id of the run, at its step
      And its configuration, fingerprint, environment and commit are shown
      And it is shown as finished, with its best step and loss
      And nothing was warned of

    Scenario: Steps that a loss spike takes back and makes again are shown once
      Given a Weights & Biases service
      And an experiment on code with a little noise, whose loss jumps where the noise is
      And with the setting training.loss_spike_factor at 1.3
      And it has been trained elsewhere without interruption
      And it is to be shown in Weights & Biases
      When it is launched, and waits before its first spike until its rows are shown
      Then it went back from a spike at least once
      And each step of its metrics is shown once, under the id of the run

    Scenario: Of several processes one shows the run
      Given a Weights & Biases service
      And a small experiment of 6 steps
      And it is to be shown in Weights & Biases
      When 2 processes train it, and it is shown
      Then each row of its metrics is shown once, under the id of the run, at its step
      And one process alone has spoken to Weights & Biases

  @REQ-TRACK-02 @blocker
  Rule: A run that was killed goes on under its id, without gaps and without doubles

    Scenario Outline: A run killed <instant> is shown as if it had never been killed
      Given a Weights & Biases service
      And a small experiment
      And it has been trained elsewhere without interruption
      And it is to be shown in Weights & Biases
      And the run that is shown was killed <instant>
      When it is launched again
      Then each step of its metrics is shown once, under the id of the run, with the uninterrupted run's values
      And it is shown as finished, with its best step and loss
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | instant                                               |
        | before a row was sent                                 |
        | when its rows up to step 8 were shown                 |
        | while its first rows were on their way                |
        | when it was trained, and its rows were on their way   |

    Scenario: A run that was killed twice is shown as if it had never been killed
      Given a Weights & Biases service
      And a small experiment
      And it has been trained elsewhere without interruption
      And it is to be shown in Weights & Biases
      And the run that is shown was killed when its rows up to step 4 were shown
      And the run that is shown was killed when its rows up to step 11 were shown
      When it is launched again
      Then each step of its metrics is shown once, under the id of the run, with the uninterrupted run's values

    Scenario: What still sends for a killed run is ended before the next launch sends
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      And it was killed while it was shown, and what sends for it stands still
      When it is launched again
      Then what stood still is gone
      And each step of its metrics is shown once, under the id of the run

    Scenario: A run that is asked to stop sends what it has made, and is not shown as finished
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      When its launch receives SIGTERM at step 7
      Then the process exits with 143
      And each row of its metrics is shown once, under the id of the run, at its step
      And it is shown as failed, interrupted after step 7

  @REQ-TRACK-03 @blocker
  Rule: Whatever the service does, training neither stops nor waits

    Scenario Outline: A service that <trouble> changes nothing of a run, and is warned of once
      Given a Weights & Biases service
      And a small experiment
      And it has been trained elsewhere without interruption
      And it is to be shown in Weights & Biases
      When it is launched, and the service <trouble>
      Then none of its last steps was held up, and the launch ended within 20 seconds of them
      And one warning says that it "cannot be reached", and one names `foundry sync`
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | trouble                                |
        | is gone from the beginning             |
        | answers nothing from step 6 on         |
        | answers everything with 500 from step 6 on |

    Scenario Outline: What a service has missed that <trouble> is shown all the same
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      When it is launched, and the service <trouble>
      Then each row of its metrics is shown once, under the id of the run, at its step
      And it is shown as finished, with its best step and loss

      Examples:
        | trouble                                      |
        | cuts every connection from step 4 to step 9  |
        | has forgotten the run for a moment at step 6 |
        | cuts every connection up to step 6           |

    Scenario: A key that expires while a run is trained is warned of once
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      When it is launched, and the service lets the key in no longer from step 6 on
      Then the launch makes the steps 1 to 12
      And the only warning says that it "does not accept the API key (401): set WANDB_API_KEY", and names `foundry sync`

    Scenario: More rows than the client may hold wait in the metrics file
      Given a Weights & Biases service
      And a small experiment
      And a run with 12000 rows of metrics
      When it is synced to a service that takes no rows for a while
      Then no request held more than 5000 rows
      And each row of its metrics is shown once, under the id of the run, at its step

  @REQ-TRACK-04
  Rule: What was not sent while a run was trained is sent by one command

    Scenario Outline: A run that was trained <how> is shown when it is synced
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      And it was trained <how>
      When it is synced
      Then 12 rows were sent
      And each row of its metrics is shown once, under the id of the run, at its step
      And it is shown as finished, with its best step and loss

      @wandb_cloud
      Examples:
        | how                                       |
        | offline by its experiment                 |

      Examples:
        | how                                       |
        | without being shown                       |

    Scenario: A run that is offline says how it is sent later
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      And the variable WANDB_MODE says offline
      When it is launched
      Then the service was never asked anything
      And a message names `foundry sync`

    Scenario: Only what is missing is sent
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      And the run that is shown was killed when its rows up to step 8 were shown
      And it was trained offline by WANDB_MODE
      When it is synced
      Then 4 rows were sent
      And each step of its metrics is shown once, under the id of the run

    Scenario: Where nothing is missing, nothing is sent
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      And it has been trained
      When it is synced by the command
      Then it says that nothing was missing, and where the run is shown
      And the service was only read since

    Scenario Outline: <what> is not synced
      Given a Weights & Biases service
      And a small experiment
      And it was trained without being shown
      And <state>
      When it is synced
      Then syncing is refused with "<message>"
      And the service has no run

      Examples:
        | what                              | state                                       | message                                  |
        | A folder without a run            | there is no run any more                    | no run here (run.json is missing)        |
        | A run without a key               | the user has no API key                     | there is no usable API key               |
        | A run while WANDB_MODE is offline | the variable WANDB_MODE says offline        | because WANDB_MODE is offline; set it to online |
        | A run that the service cannot get | the service refuses connections             | cannot be reached                        |
        | A run for whom nobody is there    | the service is looked for at http://127.0.0.1:4010 | http://127.0.0.1:4010 cannot be reached |

    Scenario: A run whose metrics are being sent is not synced beside it
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      When it is synced while it is trained and shown
      Then syncing is refused with "its metrics are being sent at this moment by process"

  @REQ-TRACK-05
  Rule: Nothing is sent that is nobody's business, and nothing at all where nobody asked for it

    Scenario: No password, no key, no variable and no text of the corpus is sent
      Given a Weights & Biases service
      And a small experiment on a repository whose URL holds the password "open-sesame"
      And it is to be shown in Weights & Biases
      And the user's shell holds the secret "pineapple-under-the-sea"
      When it is launched
      Then each row of its metrics is shown once, under the id of the run, at its step
      And the service has received neither "open-sesame", nor that secret, nor the key, nor a line of the corpus
      And beside the run lie no files but its configuration and its summary

    Scenario: A run that is not to be shown never touches the client
      Given a Weights & Biases service
      And a small experiment
      When it is launched in a process that tells what it has imported
      Then wandb and what speaks to it were not imported
      And the service was never asked anything

    Scenario Outline: With <key> nothing is trained that is to be shown
      Given a Weights & Biases service
      And a small experiment
      And it is to be shown in Weights & Biases
      And the user has <key>
      When it is launched
      Then the launch is refused with "<message>"
      And no run was begun

      Examples:
        | key                             | message                                         |
        | no API key                      | there is no usable API key for http://127.0.0.1 |
        | an API key that has expired     | does not accept the API key (401)               |
