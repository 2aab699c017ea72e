@allure.label.epic:Training
@blocker
Feature: Launching a run again goes on where it stands
  Launch and relaunch are the same command. Whoever repeats it, after a crash or by habit,
  loses no work, repeats none, and never trains a finished model any further.

  @REQ-RELAUNCH-01
  Rule: A run that stopped by itself trains no further

    Scenario: An early-stopped run trains no further when it is relaunched
      Given a small experiment that stops early
      And it has been trained
      When it is launched again
      Then the launch makes no step
      And nothing in the run folder and the store has changed

    Scenario: A completed run is left as it is when it is relaunched
      Given a small experiment
      And it has been trained
      When it is launched again
      Then the launch makes no step
      And nothing in the run folder and the store has changed

    Scenario: A run that was killed after it stopped early is published without another step
      Given a small experiment that stops early
      And its launch was killed at the state stopped
      When it is launched again
      Then the launch makes no step
      And the run is cleaned
      And the published model is that of the best step

    Scenario: A run that was killed after it was published is cleaned without another step
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | false |
      And its launch was killed at the state published
      When it is launched again
      Then the launch makes no step
      And the run is cleaned
      And no checkpoint is left in the run folder

  @REQ-RELAUNCH-02
  Rule: An interrupted run goes on at the step after its newest checkpoint

    Scenario: A killed run goes on at the step after its newest checkpoint
      Given a small experiment
      And its launch was killed at step 8
      When it is launched again
      Then the launch makes the steps 7 to 12

    Scenario Outline: A killed run ends as if it had never been killed: <case>
      Given a small experiment with
        | setting   | value   |
        | <setting> | <value> |
        | model.dropout           | 0.2 |
        | model.attention_dropout | 0.1 |
      And it has been trained elsewhere without interruption
      And its launch was killed at <moment>
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | case                             | moment       | setting                              | value |
        | in mid-epoch                     | step 8       | random_seed                          | 7     |
        | before the first checkpoint      | step 2       | random_seed                          | 7     |
        | right after a checkpoint         | checkpoint 5 | random_seed                          | 7     |
        | with gradient accumulation       | step 8       | training.gradient_accumulation_steps | 2     |
        | with loader workers              | step 8       | data.num_workers                     | 2     |
        | in bfloat16                      | step 8       | training.use_amp                     | true  |
        | with GPT-2                       | step 8       | model.architecture                   | gpt2  |
        | with gradient checkpointing      | step 8       | training.use_gradient_checkpointing  | true  |

    Scenario: A run that was killed twice still ends as if it had never been killed
      Given a small experiment with
        | setting       | value |
        | model.dropout | 0.2   |
      And it has been trained elsewhere without interruption
      And its launch was killed at step 4
      And its launch was killed at step 11
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

  @REQ-RELAUNCH-03
  Rule: Early-stopping patience survives an interruption

    Scenario: A run killed while patience runs out stops at the same step as an uninterrupted one
      Given a small experiment that stops early
      And it has been trained elsewhere without interruption
      And its launch was killed one evaluation before it would have stopped
      When it is launched again
      Then the run has stopped early at the uninterrupted run's step
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

  @REQ-RELAUNCH-04
  Rule: A request to stop is obeyed after the step, and nothing is lost

    Scenario Outline: <signal> saves the step that is under way and exits with <code>
      Given a small experiment
      When its launch receives <signal> at step 7
      Then the process exits with <code>
      And the run is interrupted
      And step 7 is checkpointed
      And nothing is published

      Examples:
        | signal  | code |
        | SIGTERM | 143  |
        | SIGINT  | 130  |

    Scenario: A run that is asked to stop in its last step publishes nothing until it is launched again
      Given a small experiment
      And its launch received SIGTERM at step 12
      And nothing was published
      When it is launched again
      Then the launch makes no step
      And the published model is that of the best step

    Scenario: A run that was asked to stop ends as if it had never been interrupted
      Given a small experiment with
        | setting       | value |
        | model.dropout | 0.2   |
      And it has been trained elsewhere without interruption
      And its launch received SIGTERM at step 7
      When it is launched again
      Then the launch makes the steps 8 to 12
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

  @REQ-RELAUNCH-06
  Rule: Only one process works on a run

    Scenario: A second launch of a run that is being trained is refused
      Given a small experiment
      When it is launched, and launched again while it makes its step 5
      Then the second launch is refused with "another process is at work on this run"
      And the launch makes the steps 1 to 12
      And its metrics hold every step once

  @REQ-RELAUNCH-07
  Rule: What a kill left half-written is no obstacle

    Scenario: A line of metrics that was cut off is written again
      Given a small experiment
      And it has been trained elsewhere without interruption
      And its launch was killed at step 8
      And the last line of its metrics is cut off
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

    Scenario: Files that a killed process was writing are removed
      Given a small experiment
      And its launch was killed at step 8
      And a checkpoint that a killed process had half written
      When it is launched again
      Then nothing half-written is left

  @REQ-RELAUNCH-05
  Rule: A run never goes on with another corpus

    Scenario: A killed run whose corpus has changed is a new run
      Given a small experiment
      And its launch was killed at step 8
      And a document of its corpus has changed
      When it is launched again
      Then the launch makes the steps 1 to 12
      And the run folder is another than before

    Scenario: Going on with tokens other than those the run was begun with is refused
      Given a small experiment
      And its launch was killed at step 8
      And its record says that it was begun on other tokens
      When it is launched again
      Then the launch fails with "this run was begun on other tokens"
      And the run is failed

    Scenario: A run folder is launched again where it is
      Given a small experiment
      And its launch was killed at step 8
      And the run folder was moved
      When the run folder is launched again
      Then the launch makes the steps 7 to 12
      And the run is cleaned

    Scenario: Going on with a run folder whose corpus has changed is refused
      Given a small experiment
      And its launch was killed at step 8
      And a document of its corpus has changed
      When the run folder is launched again
      Then the launch is refused with "its corpus has changed since it was begun"
      And nothing in the run folder and the store has changed
