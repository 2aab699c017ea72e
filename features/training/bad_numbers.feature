@allure.label.epic:Training
@critical
Feature: Numbers that go bad harm nothing that was good
  One NaN in a weight makes all weights NaN within a step. A bad step is therefore not applied, its batch is kept
  for people to look at, and a run that cannot do better stops with all of its checkpoints whole.

  @REQ-NUMBERS-01
  Rule: A step whose loss or gradient is not finite changes no weight

    Scenario: A run goes on without the one batch whose loss is not finite
      Given a killed run of GPT-2 for which the batch of step 8 gives no finite loss
      When it is launched again
      Then the launch makes the steps 6 to 12
      And the metrics say of step 8, and of no other, that it was not applied
      And weights and optimizer state after step 8 are those after step 7
      And the batch of step 8 is kept as numbers and text
      And a warning names step 8 and where its batch is kept
      And every checkpoint holds finite numbers only
      And the run is cleaned

    Scenario: A gradient that is not finite is no better than such a loss
      Given a model whose gradient is not finite for one of its tokens
      When a step is made whose batch holds that token
      Then its loss is finite, and its gradient norm is not
      And the step was not applied, and changed neither weights nor optimizer state

  @REQ-NUMBERS-02
  Rule: After too many bad steps in a row the run fails, and keeps what it had

    Scenario Outline: Bad steps <steps>, where <limit> in a row are too many
      Given a killed run of GPT-2 for which the batches of steps <steps> give no finite loss
      And with the setting training.max_bad_steps at <limit>
      When it is launched again
      Then the run is <state>
      And every checkpoint holds finite numbers only
      And <published> is published

      Examples:
        | steps    | limit | state   | published |
        | 8, 9, 10 | 3     | failed  | no model  |
        | 8, 9, 10 | 4     | cleaned | a model   |
        | 8, 9, 11 | 3     | cleaned | a model   |

    Scenario: Bad steps are counted across a kill
      Given a killed run of GPT-2 for which the batches of steps 8, 9, 10 give no finite loss
      And its launch was killed at step 9
      When it is launched again
      Then the launch fails with "step 10: the loss is nan"
      And the launch fails with "in the 3. bad step in a row"
      And the run is failed

    Scenario: A failed run fails again when it is launched again, and loses nothing by it
      Given a killed run of GPT-2 for which the batches of steps 8, 9, 10 give no finite loss
      And its launch has failed
      When it is launched again
      Then the launch fails with "in the 3. bad step in a row"
      And every checkpoint holds finite numbers only
      And no model is published

  @REQ-NUMBERS-03
  Rule: No checkpoint holds a number that is not finite

    Scenario Outline: Weights that an update has driven beyond all numbers are not checkpointed, <how>
      Given a small experiment with
        | setting                      | value   |
        | training.learning_rate       | 1e39    |
        | training.warmup_steps        | 0       |
        | training.checkpoint_schedule | 1       |
        | data.validation_fraction     | 0       |
        | training.async_checkpoints   | <async> |
      When it is launched
      Then the launch fails with "numbers that are not finite"
      And the run is failed
      And nothing is checkpointed
      And no model is published

      Examples:
        | how                           | async |
        | saving before the next step   | false |
        | saving beside the next step   | true  |

  @REQ-NUMBERS-04
  Rule: A loss spike takes a run back only where that was asked for

    Scenario: A run goes back to its last checkpoint, and on without the batches since then
      Given an experiment on code with a little noise, whose loss jumps where the noise is
      And with the setting training.loss_spike_factor at 1.3
      When it is launched
      Then it went back from a spike at least once
      And the steps that were left out are those from a checkpoint to a spike
      And weights and optimizer state after the left-out steps are those of the checkpoint before them
      And its metrics hold every step from 1 to 60 once

    Scenario Outline: A run that was killed <moment> ends as if it had never been killed
      Given an experiment on code with a little noise, whose loss jumps where the noise is
      And with the setting training.loss_spike_factor at 1.3
      And it has been trained elsewhere without interruption
      And its launch was killed shortly <moment>
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | moment                       |
        | before its first spike       |
        | after its first spike        |

    Scenario: By default no loss takes a run back
      Given an experiment on code with a little noise, whose loss jumps where the noise is
      When it is launched
      Then no step was left out
