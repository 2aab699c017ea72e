@allure.label.epic:Training
@blocker
Feature: A run that is killed at any instant ends as if it had been left alone
  Power fails, machines are reclaimed, memory runs out. Whoever launches the run again gets the weights, the optimizer
  state, the metrics and the published model of an uninterrupted run, to the bit, and no remains on the disk.

  @REQ-INTERRUPT-01
  Rule: No instant is special

    Scenario: Runs that are killed at 25 random instants are identical to runs that were left alone
      When a campaign of 25 kills is run
      Then 25 of 25 runs are identical
      And every case was killed, at instants of at least 5 kinds

    Scenario Outline: A run killed <instant> ends as if it had been left alone
      Given a run that was left alone, with <settings>
      When the same experiment is killed <instant>, and launched again
      Then it was killed while it was busy with <phase>
      And the two runs are identical, and nothing else is left

      Examples: While it computes
        | instant                              | phase      | settings                            |
        | inside a step                        | step       | dropout, accumulation and clean-up  |
        | between two micro-batches            | step       | dropout, accumulation and clean-up  |
        | before the weights are updated       | step       | dropout, accumulation and clean-up  |
        | right after the weights were updated | step       | dropout, accumulation and clean-up  |
        | while it evaluates                   | evaluation | dropout, accumulation and clean-up  |

      Examples: While it writes
        | instant                                       | phase      | settings                           |
        | before there is a run folder                  | preparing  | dropout, accumulation and clean-up |
        | while its first run.json is written           | run.json   | dropout, accumulation and clean-up |
        | while a later run.json is written             | run.json   | dropout, accumulation and clean-up |
        | while a line of metrics.jsonl is written      | metrics    | dropout, accumulation and clean-up |
        | while the weights of a checkpoint are written | checkpoint | all its checkpoints kept           |
        | while the manifest of a checkpoint is written | checkpoint | all its checkpoints kept           |
        | before a checkpoint gets its name             | checkpoint | all its checkpoints kept           |
        | while an older checkpoint is removed          | checkpoint | dropout, accumulation and clean-up |

      Examples: While it ends
        | instant                                     | phase      | settings                           |
        | while the model is copied into the store    | publishing | dropout, accumulation and clean-up |
        | before the model in the store gets its name | publishing | dropout, accumulation and clean-up |
        | before the record says that it is published | run.json   | dropout, accumulation and clean-up |
        | while its checkpoints are removed           | cleaning   | dropout, accumulation and clean-up |
        | before the record says that it is cleaned   | run.json   | dropout, accumulation and clean-up |
        | before it gives its lock back               | publishing | dropout, accumulation and clean-up |

    Scenario: A relaunch that is killed, too, and the one after it, lose nothing either
      Given a run that was left alone, with dropout, accumulation and clean-up
      And the same experiment, killed inside a step
      And killed again while the weights of its last checkpoint are written
      When it is killed while the model is copied into the store, and launched again
      Then the two runs are identical, and nothing else is left

    Scenario: An early-stopped run that is killed while it stops publishes the same step
      Given a run that was left alone, and stopped early
      When the same experiment is killed before the record says that it has stopped, and launched again
      Then the two runs are identical, and nothing else is left

  @REQ-INTERRUPT-02
  Rule: Ctrl-C and SIGTERM are obeyed at once where nothing is to be saved, and after the step where something is

    Scenario: A second Ctrl-C leaves without waiting for the step
      Given a run that was left alone, with dropout, accumulation and clean-up
      When the same experiment gets Ctrl-C inside a step, and again before the weights are updated
      Then it exits with 130, within 2 seconds
      And no step was checkpointed that was under way
      And launched again, the run is identical to the one that was left alone

    Scenario Outline: <signal> while the model is being published keeps every checkpoint
      Given a run that was left alone, with dropout, accumulation and clean-up
      When the same experiment gets <signal> while the model is copied into the store
      Then it exits with <code>, within 2 seconds
      And every checkpoint is there, and nothing is recorded as published
      And launched again, the run is identical to the one that was left alone

      Examples:
        | signal  | code |
        | SIGINT  | 130  |
        | SIGTERM | 143  |

    Scenario Outline: <signal> <instant> says how to go on
      Given a run that was left alone, with dropout, accumulation and clean-up
      When the same experiment gets <signal> <instant>
      Then it exits with <code>, within 2 seconds
      And it says "interrupted by <signal>; nothing that was saved is lost, launch again to go on"
      And launched again, the run is identical to the one that was left alone

      Examples:
        | signal  | code | instant                                  |
        | SIGINT  | 130  | while its first run.json is written      |
        | SIGINT  | 130  | while the model is copied into the store |
        | SIGTERM | 143  | while the model is copied into the store |
        | SIGINT  | 130  | while its checkpoints are removed        |
        | SIGTERM | 143  | while its checkpoints are removed        |

    Scenario Outline: <signal> in a step says how to go on, and the run ends as if it had been left alone
      Given a run that was left alone, with dropout, accumulation and clean-up
      When the same experiment gets <signal> inside a step
      Then it exits with <code>, within 2 seconds
      And it says "which is saved; launch again to go on at"
      And launched again, the run is identical to the one that was left alone

      Examples:
        | signal  | code |
        | SIGINT  | 130  |
        | SIGTERM | 143  |
