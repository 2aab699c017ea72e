# Several processes of one machine, and several hosts, at work on one sweep.
@allure.label.epic:Sweeps @blocker
Feature: Several processes and hosts work on one sweep
  Trials do not depend on one another, so whoever has two GPUs or five machines gives the same command more often.
  However many work, no trial is lost, none is trained twice, and there are never more than were asked for.

  @REQ-SWEEP-04
  Rule: The number of trials is shared

    Scenario: Two hosts that share a storage share the trials
      Given a sweep of 4 trials in the folders of two hosts, with one storage for both
      When the sweep is launched on both at once
      Then both commands exit with success
      And each of the 4 trials was trained by one host, and by one alone

    @critical
    Scenario: Two processes that are given the same parameters train them once
      Given a sweep of 4 trials over "model.layers: {values: [1]}"
      When the sweep is launched twice at once
      Then both commands exit with success
      And all 4 trials are complete, with one loss
      And there is one run, which was begun once

    @critical
    Scenario: Two workers share the trials, and what they print says whose it is
      Given a sweep of 4 trials that prunes after 2 of them
      When the command "foundry sweep sweep.yaml --workers 2" is run
      Then the command exits with 0
      And there are 4 trials, all at their end, each of whose runs was begun once
      And every line of progress names its trial, and two trials were under way at once

    @critical
    Scenario Outline: Ended by <signal_name>, a sweep with two workers leaves no process and no trial behind
      Given a sweep of 4 trials of 3000 steps each
      When the sweep is launched with 2 workers, and is sent <signal_name> when both train
      Then the sweep exits with <code>, and no process of it is left
      And two trials are interrupted after the steps that they had made, which are saved

      Examples:
        | signal_name | code |
        | SIGINT      | 130  |
        | SIGKILL     | 137  |

  @REQ-SWEEP-05
  Rule: A trial is taken over from a process that has ended, and from no other

    @critical
    Scenario: A trial of another host that has fallen silent is gone on with
      Given a sweep of 2 trials without pruning
      And a trial of another host is taken over after 0.5 seconds of silence
      And the sweep was killed at "updated weights", time 20
      And the process of trial 1 had been on the host far-away
      When the sweep is launched again
      Then the command exits with success
      And trial 1 was begun at step 1 of 12 is next, step 7 of 12 is next
      And every trial is complete after all steps of its run

    @critical
    Scenario: A trial of another host that gives signs of life is left to it
      Given a sweep of 2 trials without pruning
      And a trial of another host is taken over after 0.8 seconds of silence
      And the sweep was killed at "updated weights", time 20
      And the process of trial 1 had been on the host far-away
      When the sweep is launched again, while that process gives a sign of life every 0.1 seconds
      Then the command exits with success
      And trial 1 is running, by a process on far-away
      And trial 1 was begun at step 1 of 12 is next
