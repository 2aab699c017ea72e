@allure.label.epic:Training
@critical
Feature: A disk that is full or closed stops training, and costs nothing that was saved
  Disks fill up at night. Training then stops with a sentence that says where, how much is needed and how much is
  there; every checkpoint stays whole, and once there is room the same command goes on as if nothing had happened.

  @REQ-DISK-01
  Rule: A disk that fills up while training is no loss

    Scenario Outline: A run goes on to the same bits after its disk was full, saving <how>
      Given a small experiment with
        | setting                      | value        |
        | model.dropout                | 0.2          |
        | training.async_checkpoints   | <async>      |
        | training.checkpoint_schedule | 3, 5, 7, 9   |
        | training.keep_checkpoints    | none         |
      And it has been trained elsewhere without interruption
      And its runs lie on a disk of 6 MB
      And the disk was filled but for <left> bytes when its launch had saved step 5
      When there is room again, and it is launched again
      Then the launch before had failed in one line that names <what> and the bytes that are free
      And it had kept at least 2 whole checkpoints
      And the launch goes on at the step after the newest of them
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | how                  | async | left   | what                                  |
        | before the next step | false | 200000 | the checkpoint, the bytes that it needs |
        | beside the next step | true  | 200000 | the checkpoint, the bytes that it needs |
        | with no byte left    | false | 0      | a path of the run                     |

    Scenario: A limit on the size of files is met in the same way
      Given a small experiment
      And it has been trained elsewhere without interruption
      And its launch has met a limit of 100000 bytes a file
      When there is room again, and it is launched again
      Then the launch before had failed in one line that names the checkpoint, the bytes that it needs and the bytes that are free
      And the launch goes on at the step after the newest of them
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

  @REQ-DISK-02
  Rule: A disk that may not be written leaves the run as it was

    Scenario Outline: A run goes on to the same bits after its disk was closed: it <fault>
      Given a small experiment
      And it has been trained elsewhere without interruption
      And its runs lie on a disk of 6 MB
      And its launch was killed at step 8
      And it was launched again where its disk <fault>
      When it may be written again, and it is launched again
      Then the launch before had failed in one line that says "<reason>" and names a path of the run
      And it had kept at least 2 whole checkpoints
      And the launch goes on at the step after the newest of them
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | fault              | reason                |
        | is read-only       | Read-only file system |
        | permits no writing | Permission denied     |

  @REQ-DISK-03
  Rule: The room that is needed is looked at before training starts

    Scenario: A disk without room for two checkpoints is refused before the first step
      Given a small experiment
      And its runs lie on a disk of 900 KB
      When it is launched
      Then the launch fails with "training needs room for 2 more checkpoints"
      And not even one step was made

    Scenario: A disk that may become too small is warned of
      Given a small experiment with
        | setting                   | value |
        | training.keep_checkpoints | 20    |
      And its runs lie on a disk of 6 MB
      When it is launched
      Then a warning says how many bytes its checkpoints may need, and how many are free
      And the run is cleaned
