@allure.label.epic:Training
@critical
Feature: A changed experiment goes on where that is right, and begins anew where it is not
  Between two launches people edit the file. What changes no weight must cost no step, what changes the weights must
  never be mixed into a run that was begun without it, and a run that proved too short can be made longer.

  @REQ-CHANGE-01
  Rule: What changes no weight may be changed in the middle of a run

    Scenario Outline: A killed run goes on exactly with another <setting>
      Given a small experiment with
        | setting       | value |
        | model.dropout | 0.2   |
      And it has been trained elsewhere without interruption
      And its launch was killed at step 8
      And with the setting <setting> at <value>
      When it is launched again
      Then the launch makes the steps 7 to 12
      And its final weights and optimizer state are bit-identical to the reference's

      Examples:
        | setting                              | value |
        | logging.level                        | DEBUG |
        | logging.log_interval                 | 5     |
        | data.num_workers                     | 2     |
        | training.checkpoint_schedule         | 7, 11 |
        | training.keep_checkpoints            | 1     |
        | training.async_checkpoints           | true  |
        | training.use_gradient_checkpointing  | true  |
        | generation.temperature               | 0.1   |

    Scenario: Where the model is published may be changed, and the run says so
      Given a small experiment
      And its launch was killed at step 8
      And with the setting artifacts.path at another-store
      When it is launched again
      Then the launch makes the steps 7 to 12
      And the published model lies in another-store
      And its config.yaml has artifacts.path at another-store

  @REQ-CHANGE-02
  Rule: What changes the weights makes a new run

    Scenario Outline: A killed run is left as it was by a launch with another <setting>
      Given a small experiment
      And its launch was killed at step 8
      And with the setting <setting> at <value>
      When it is launched beside it
      Then the launch makes the steps 1 to <last>
      And the killed run is as it was

      Examples:
        | setting                | value | last |
        | training.learning_rate | 0.002 | 12   |
        | model.dropout          | 0.1   | 12   |
        | training.train_steps   | 14    | 14   |

  @REQ-EXTEND-01 @blocker
  Rule: An extended run goes on exactly where the finished one ended

    Scenario Outline: Six steps and then six more are the twelve of an uninterrupted run: <case>
      Given a small experiment with
        | setting                         | value    |
        | training.learning_rate_schedule | constant |
        | model.dropout                   | 0.2      |
        | model.attention_dropout         | 0.1      |
        | <setting>                       | <value>  |
      And it has been trained elsewhere without interruption
      And its first 6 steps were trained as a run of their own
      When it is extended
      Then the launch makes the steps 7 to 12
      And its final weights and optimizer state are bit-identical to the reference's
      And its metrics are those of the reference
      And the published model is that of the best step
      And the shorter run and its publication are as they were

      Examples:
        | case                       | setting                              | value |
        | our decoder                | random_seed                          | 7     |
        | GPT-2                      | model.architecture                   | gpt2  |
        | gradient accumulation      | training.gradient_accumulation_steps | 2     |

    Scenario: Without validation the last step of an extended run is published
      Given a small experiment with
        | setting                  | value |
        | data.validation_fraction | 0     |
      And its first 6 steps were trained as a run of their own
      When it is extended
      Then the published model is that of step 12

    Scenario: An epoch and then another are the two of an uninterrupted run
      Given a small experiment with
        | setting                         | value    |
        | training.learning_rate_schedule | constant |
        | training.warmup_steps           | 2        |
        | training.train_steps            | none     |
        | training.epochs                 | 2        |
        | training.evaluation_interval    | 10       |
      And it has been trained elsewhere without interruption
      And its first epoch was trained as a run of its own
      When it is extended
      Then its final weights and optimizer state are bit-identical to the reference's
      And its metrics are those of the reference

    Scenario: A run that was extended is extended again
      Given a small experiment with
        | setting                         | value    |
        | training.learning_rate_schedule | constant |
        | model.dropout                   | 0.2      |
      And it has been trained elsewhere without interruption
      And its first 6 steps were trained as a run of their own
      And its first 9 steps were trained by extending that
      When it is extended
      Then the launch makes the steps 10 to 12
      And its final weights and optimizer state are bit-identical to the reference's
      And its metrics are those of the reference

    Scenario: The learning rate after the old end is that of the new length
      Given a small experiment
      And it has been trained elsewhere without interruption
      And its first 6 steps were trained as a run of their own
      When it is extended
      Then the learning rates after step 6 are those of the reference

    Scenario: A best step of the shorter run is still the one that is published
      Given a small experiment whose validation loss rises
      And its first 6 steps were trained as a run of their own
      When it is extended
      Then the best step is not after step 6
      And the published model is that of the best step
      And the run is cleaned

  @REQ-EXTEND-02
  Rule: Extending is a launch like any other

    Scenario: An extended run that was killed goes on by the same command
      Given a small experiment with
        | setting                         | value    |
        | training.learning_rate_schedule | constant |
        | model.dropout                   | 0.2      |
      And it has been trained elsewhere without interruption
      And its first 6 steps were trained as a run of their own
      And its extension was killed at step 11
      When it is extended again
      Then the launch makes the steps 11 to 12
      And its final weights and optimizer state are bit-identical to the reference's
      And its metrics are those of the reference

    Scenario: An extension that was begun is gone on with, though a longer run has finished since
      Given a small experiment
      And its first 6 steps were trained as a run of their own
      And its extension was killed at step 11
      And its first 9 steps were trained as a run of their own
      When it is extended again
      Then the launch makes the steps 11 to 12

    Scenario: An extended run goes on by the name of its folder
      Given a small experiment with
        | setting                         | value    |
        | training.learning_rate_schedule | constant |
      And it has been trained elsewhere without interruption
      And its first 6 steps were trained as a run of their own
      And its extension was killed at step 11
      When the run folder is launched again
      Then the launch makes the steps 11 to 12
      And its final weights and optimizer state are bit-identical to the reference's

    Scenario: A kill while the extended run is being made leaves nothing behind that matters
      Given a small experiment with
        | setting                         | value    |
        | training.learning_rate_schedule | constant |
        | model.dropout                   | 0.2      |
      And it has been trained elsewhere without interruption
      And its first 6 steps were trained as a run of their own
      When its extension is killed at 6 instants between its first file and its first step, and repeated each time
      Then each time its weights, optimizer state and metrics are those of the reference, and nothing is half-written

    Scenario: An extended run that is complete is left as it is
      Given a small experiment
      And its first 6 steps were trained as a run of their own
      And it has been extended
      When it is extended again
      Then the launch makes no step
      And nothing in the run folder and the store has changed

    Scenario: Without being asked to extend, a longer experiment begins at step 1, and says what could be gone on from
      Given a small experiment
      And its first 6 steps were trained as a run of their own
      When it is launched
      Then the launch makes the steps 1 to 12
      And the user is told that the shorter run holds 6 steps that --extend goes on from
      And the shorter run and its publication are as they were

    Scenario: An experiment and its extension never share a folder
      Given a small experiment
      And its first 6 steps were trained as a run of their own
      And it has been extended
      When it is launched
      Then the launch makes the steps 1 to 12
      And the run folder is another than that of the extension

  @REQ-EXTEND-03
  Rule: An early-stopped run is extended under another patience alone

    Scenario: With the patience that ran out, not one more step is made
      Given a small experiment that stops early
      And it has been trained
      And with the setting training.train_steps at 60
      When it is extended
      Then the launch is refused with "raise it above 3, or set it to null"
      And nothing in the run folder and the store has changed

    Scenario: With more patience it goes on counting, and stops where an uninterrupted run does
      Given a small experiment that stops early
      And with the setting training.learning_rate_schedule at constant
      And it has been trained
      And with the setting training.early_stopping_patience at 5
      And it has been trained elsewhere without interruption
      When it is extended
      Then the run has stopped early at the uninterrupted run's step
      And its final weights and optimizer state are bit-identical to the reference's

  @REQ-EXTEND-04
  Rule: What cannot be extended is refused in one line, and nothing is made

    Scenario: Nothing was trained yet
      Given a small experiment
      When it is extended
      Then the launch is refused with "launch without --extend to train it from step 1"
      And there is no run

    Scenario: The shorter run has not finished
      Given a small experiment
      And its launch was killed at step 8
      And with the setting training.train_steps at 14
      When it is extended
      Then the launch is refused with "only a finished run is extended; go on with it by `foundry train runs/"
      And nothing in the run folder and the store has changed

    Scenario: The experiment is no longer than the finished run
      Given a small experiment
      And it has been trained
      When it is extended
      Then the launch is refused with "raise training.train_steps or training.epochs"
      And nothing in the run folder and the store has changed

    Scenario: More than the length has changed
      Given a small experiment
      And its first 6 steps were trained as a run of their own
      And with the setting training.learning_rate at 0.002
      When it is extended
      Then the launch is refused with "differs from this experiment in its length alone"
      And nothing in the run folder and the store has changed

    Scenario: The checkpoints of the shorter run were removed when it was published
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | false |
      And its first 6 steps were trained as a run of their own
      When it is extended
      Then the launch is refused with "artifacts.keep_local_checkpoints: true"
      And nothing in the run folder and the store has changed

    Scenario: The last checkpoint of the shorter run is damaged
      Given a small experiment
      And its first 6 steps were trained as a run of their own
      And a byte of its last checkpoint's optimizer state has flipped
      When it is extended
      Then the launch fails with "optimizer.safetensors does not have the SHA-256"
      And there is nothing but the shorter run, as it was

    Scenario: Another process is at work on the shorter run
      Given a small experiment
      And its first 6 steps were trained as a run of their own
      And another process holds that run
      When it is extended
      Then the launch fails with "another process is at work on this run"
      And there is nothing but the shorter run, as it was

    Scenario: A run is no configuration
      Given a corpus of code, and an experiment file small.yaml that trains on it for 4 steps
      And the runs
        | folder   | state   | steps   | loss |
        | runs/two | cleaned | 1 of 1  | 2.5  |
      When each of these commands is run
        | command                          | message                                                                                    |
        | foundry train runs/two --extend  | --extend: the configuration of a run is fixed; name a configuration instead of runs/two    |
        | foundry train small.yaml --extend | --extend: no finished run of small below runs differs from this experiment in its length alone; launch without --extend to train it from step 1 |
      Then each exits with its code and its message as the only line
      And nothing in the workspace has changed
