# What is left of a sweep that was ended from outside, and what the same command makes of it.
@allure.label.epic:Sweeps @blocker
Feature: A sweep that was killed goes on by the same command
  A sweep takes days, and machines are taken away at any moment. Nothing that is finished may be trained again, nothing
  that was begun may be lost, and in the end there are as many trials as were asked for, with the same results.

  @REQ-SWEEP-03
  Rule: The same command goes on where the sweep was left

    Scenario Outline: Killed <moment>, the sweep ends as if it had not been
      Given a sweep of 4 trials that prunes after 2 of them
      And the sweep was killed at "<operation> <name>", time <occurrence>
      When the sweep is launched again
      Then the command exits with success
      And the trials are those of a sweep that was not killed
      And trial <trial> was begun at <begun>
      And what was finished before was not touched

      Examples:
        | moment                                | operation | name                                             | occurrence | trial | begun                                      |
        | in a step of its second trial         | updated   | weights                                          | 20         | 1     | step 1 of 12 is next, step 7 of 12 is next |
        | before its first trial has a run      | mkdir     | sweeps/tries/.data                               | 1          | 0     | step 1 of 12 is next                       |
        | when its third trial was just given up | mkdir    | {third run}/checkpoints/.writing-step-00000006-* | 1          | 2     | step 1 of 12 is next, step 6 of 12 is next |
        | while its second model is published   | rename    | artifacts/incoming-{second run}                  | 1          | 1     | step 1 of 12 is next                       |

    Scenario Outline: <signal_name> saves the trial that is trained, and exits with <code>
      Given a sweep of 4 trials that prunes after 2 of them
      When the sweep is launched, and is sent <signal_name> at "updated weights", time 19
      Then the sweep has ended with <code>, and said how to go on
      And trial 1 is interrupted after the steps that it had made, which are saved
      And launched again, it ends with the trials of a sweep that was not killed

      Examples:
        | signal_name | code |
        | SIGTERM     | 143  |
        | SIGINT      | 130  |

    Scenario: A finished sweep trains nothing, and does not even load torch
      Given a finished sweep of 4 trials, of which one was pruned
      When the command "foundry sweep sweep.yaml" is run, with its imports traced
      Then the command exits with 0
      And the library torch was not imported
      And the runs and the trials are as they were

    Scenario: A sweep that is to have more trials goes on from those it has
      Given a finished sweep of 4 trials, of which one was pruned
      When the sweep is launched with 5 trials
      Then the command exits with success
      And there are 5 trials, and the first 4 are as they were

    @critical
    Scenario: A sweep that has lost its study takes over the runs that are complete
      Given a finished sweep of 4 trials, of which one was pruned
      And its study was removed
      When the sweep is launched again
      Then the command exits with success
      And the complete trials are as they were, and their runs were not touched

    @critical
    Scenario: A failure that is not due to the parameters ends the sweep, and no trial pays for it
      Given a sweep of 2 trials without pruning
      And the run of a trial cannot be made, because a file stands where its lock should be
      And the sweep has failed with "sweeps/tries/.locks"
      And the file in the way is gone
      When the sweep is launched again
      Then the command exits with success
      And every trial is complete after all steps of its run

    @critical
    Scenario: A model that cannot be published does not hold up the sweep
      Given a sweep of 2 trials without pruning
      And a file stands where its models are to be published
      When the sweep is launched
      Then the sweep has come to its end
      And every trial is complete after all steps of its run
      And for each run a warning says that `foundry publish` publishes its model, and that does once the file is gone

    @critical
    Scenario: A sweep on a repository keeps to the commit that it was begun with
      Given a sweep of 2 trials on a git repository
      And the sweep was killed at "updated weights", time 20
      And something was committed to the repository
      When the sweep is launched again
      Then the command exits with success
      And trial 1 was begun at step 1 of 12 is next, step 7 of 12 is next
      And both runs were trained on the commit that was the newest at first
