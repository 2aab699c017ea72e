@allure.label.epic:Training
@critical
Feature: Checkpoints are whole, or they do not exist
  A checkpoint is the only thing between a crash and a lost week. The last one is always made,
  a damaged one is never loaded, and none is removed while it is needed.

  @REQ-CHECKPOINT-01
  Rule: The last step is always checkpointed

    Scenario Outline: The last step is checkpointed with <schedule>
      Given a small experiment with
        | setting                            | value      |
        | training.checkpoint_schedule       | <listed>   |
        | training.auto_generate_checkpoints | <generate> |
        | data.validation_fraction           | 0          |
      When it is launched
      Then step 12 is checkpointed

      Examples:
        | schedule                  | listed | generate |
        | a schedule that misses it | 5, 10  | false    |
        | a generated schedule      | none   | true     |
        | no schedule               | none   | false    |

    Scenario: The last step of an early-stopped run is checkpointed
      Given a small experiment that stops early
      When it is launched
      Then the last step that was made is checkpointed

  @REQ-CHECKPOINT-02
  Rule: A damaged checkpoint is set aside, and the newest whole one is used

    Scenario Outline: <damage> in the newest checkpoint is noticed
      Given a small experiment with
        | setting       | value |
        | model.dropout | 0.2   |
      And it has been trained elsewhere without interruption
      And its launch was killed at step 11
      And the newest checkpoint suffers <damage>
      When it is launched again
      Then the damaged checkpoint stands beside the others, set aside
      And a warning names it
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | damage                                 |
        | a flipped byte in model.safetensors    |
        | a flipped byte in optimizer.safetensors |
        | a flipped byte in state.json           |
        | a flipped byte in manifest.json        |
        | a cut off end of model.safetensors     |
        | the loss of optimizer.safetensors      |
        | the loss of manifest.json              |

    Scenario: Without any whole checkpoint a run stops instead of starting over
      Given a small experiment
      And its launch was killed at step 8
      And every checkpoint suffers a flipped byte in model.safetensors
      When it is launched again
      Then the launch fails with "checkpoints is whole"
      And the run is failed

  @REQ-CHECKPOINT-03
  Rule: What is no longer needed is removed, what is needed stays

    Scenario: The newest checkpoints and the best one stay
      Given a small experiment whose validation loss rises
      And with the setting training.keep_checkpoints at 2
      And with the setting training.checkpoint_schedule at 2, 4, 6, 8, 10
      When it is launched
      Then the checkpoints are those of the best step, step 10 and step 12

  @REQ-CHECKPOINT-04
  Rule: The schedule of checkpoints is the one that was asked for

    Scenario Outline: Checkpoints of <epochs> epochs of <per epoch> steps, <spacing>
      Given <epochs> epochs of <per epoch> steps, checkpointed <first> times in the first and <spacing> with base <base> after it, at least <interval> steps apart
      When the checkpoint schedule is made
      Then the scheduled steps are <steps>

      Examples:
        | epochs | per epoch | first | spacing | base | interval | steps                                      |
        | 1      | 10        | 5     | linear  | 2    | 1        | 2, 4, 6, 8, 10                             |
        | 2      | 10        | 2     | linear  | 2    | 1        | 5, 10, 15, 20                              |
        | 2      | 16        | 2     | log     | 2    | 1        | 8, 16, 17, 18, 20, 24, 32                  |
        | 2      | 27        | 3     | log     | 3    | 1        | 9, 18, 27, 28, 30, 36, 54                  |
        | 2      | 16        | 2     | log     | 2    | 3        | 8, 16, 20, 24, 32                          |
        | 1      | 10        | 20    | linear  | 2    | 4        | 4, 8, 10                                   |
        | 3      | 2.5       | 1     | linear  | 2    | 1        | 3, 5, 8                                    |
