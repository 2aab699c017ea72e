@allure.label.epic:Acceptance
@critical
Feature: Several processes run the suite, and no scenario is lost
  A release manager wants a fast answer, and one that holds: what kills, hangs or stops a process must neither
  look like success nor hide what the other scenarios have shown.

  @REQ-WORKERS-01
  Rule: A process that dies fails the scenario that it was in, and no other

    Scenario: The scenarios before and after it keep what they showed
      When acceptance is run once with "dangers/collapse.feature dangers/lightning.feature" for all to see
      Then it ends with 1
      And its record says
        | scenario                | status |
        | The first book is dry   | passed |
        | The roof falls in       | broken |
        | The wall cracks         | broken |
        | The door slams          | broken |
        | The last book is dry    | passed |
        | The lamp is lit         | broken |
        | The fuse is whole       | broken |
      And each scenario of its record has one result of that status

    Scenario Outline: <scenario>: the record names <exception>
      When acceptance is run once with "dangers/collapse.feature dangers/lightning.feature" for all to see
      Then its record says why "<scenario>" was not kept
        | about     | pattern      |
        | kind      | worker death |
        | exception | <exception>  |
        | step      | <step>       |
        | where     | <where>      |

      Examples:
        | scenario          | exception   | step                         | where                          |
        | The roof falls in | SIGKILL     | When the power fails         |                                |
        | The wall cracks   | SIGSEGV     | When the ground shakes       | steps/library_steps\.py:\d+    |
        | The door slams    | exit code 3 | When everybody leaves with 3 |                                |

    Scenario: A process that dies between scenarios breaks those that it was given, and the run says so
      When acceptance is run once with "dangers/collapse.feature dangers/lightning.feature" for all to see
      Then its record says why "The fuse is whole" was not kept
        | about   | pattern                                                  |
        | kind    | worker death                                             |
        | message | it did not run: its worker process was ended by SIGKILL  |
      And it complains outside the scenarios of "its worker process was ended by SIGKILL"

    Scenario: A suite that cannot be loaded fails as a whole, with the reason
      Given step definitions that cannot be loaded
      When acceptance is run with "dangers/collapse.feature"
      Then it ends with 1
      And it complains outside the scenarios of "OSError: the steps are worn"
      And its record says
        | scenario                | status |
        | The first book is dry   | broken |
        | The roof falls in       | broken |
        | The wall cracks         | broken |
        | The door slams          | broken |
        | The last book is dry    | broken |

  @REQ-WORKERS-02
  Rule: A scenario that hangs is ended with all that it has started

    Scenario: It is broken as a time-out, where it stood, and the next one runs
      When acceptance is run with "dangers/night.feature --workers 1 --timeout 1.5"
      Then it ends with 1
      And its record says
        | scenario               | status |
        | The librarian wakes up | broken |
        | The morning comes      | passed |
      And its record says why "The librarian wakes up" was not kept
        | about   | pattern                                               |
        | kind    | time-out                                              |
        | step    | When the librarian sleeps                             |
        | where   | steps/library_steps\.py:\d+                           |
        | message | it took longer than 1\.5 s \(--timeout\) and was killed |
      And its record says that "The librarian wakes up" took less than 20 seconds
      And the workspace of "The librarian wakes up" is where the record says
      And what its scenarios have started is gone
      And each scenario of its record has one result of that status

    Scenario: A process that a scenario has left behind does not outlive the run
      When acceptance is run with "dangers/guard.feature"
      Then it ends with 0
      And what its scenarios have started is gone

  @REQ-WORKERS-03
  Rule: Processes share the suite

    Scenario: Scenarios of one feature run side by side where it is most of the suite
      When acceptance is run with "dangers/readers.feature --workers 2"
      Then it ends with 0
      And its record says
        | scenario      | status |
        | Ann meets Ben | passed |
        | Ben meets Ann | passed |

    Scenario Outline: <case>
      Given features whose scenarios take so many seconds
        | feature | rule  | scenario | seconds | steps |
        | books   | lent  | a        | 6       | 1     |
        | books   | lent  | b        | 1       | 1     |
        | books   | back  | c        | 2       | 1     |
        | readers | young | d        | 4       | 1     |
        | readers | old   | e        |         | 6     |
      When they are parted for <number> processes with <knowledge>
      Then they are handed out as "<pieces>"

      Examples: with all measured but e, which takes 6 steps at the pace of the others, 3.25 s each
        | case                                                                 | number | knowledge        | pieces            |
        | One process gets whole features, the longest first                   | 1      | their durations  | de, abc           |
        | A feature within its fair share is not parted                        | 2      | their durations  | e, abc, d         |
        | A feature that is longer is parted by its rules, then its scenarios  | 5      | their durations  | e, a, d, bc       |
        | Before anything was measured, steps count                            | 2      | nothing measured | e, abc, d         |

    Scenario: Whoever waits at a terminal sees what is done, what runs since when, and how long the rest takes
      Given a terminal
      When acceptance is run with "dangers/night.feature dangers/lock.feature --workers 1 --timeout 3"
      Then while it ran it showed
        | pattern                                                            |
        | 0 of 4 .*0:0\d left                                               |
        | ! dangers/night.feature:5  The librarian wakes up: it took longer  |
        | \d of 4  \d not kept  0:0\d left                                |
        | 1  0:0[1-9]  The library at night › The librarian wakes up         |

  @REQ-WORKERS-04
  Rule: The order is a matter of speed, not of the result

    Scenario: Shuffled, every scenario of the suite ends as it does in order
      Given an acceptance run with "features --workers 1"
      Then in another order, every scenario ends in the same way
        | arguments                      |
        | features --workers 1 --seed 1  |
        | features --workers 1 --seed 2  |

    Scenario: A seed is printed and recorded, and brings the same order again
      When acceptance is run with "dangers/collapse.feature dangers/lock.feature --workers 1 --seed 0"
      Then its record has the seed that it printed
      And the features, and the scenarios in each, ran in another order than in their files
      And with "dangers/collapse.feature dangers/lock.feature --workers 1 --seed 0" it keeps the same order

    Scenario: A shuffled run without a seed draws one
      When acceptance is run with "features/training_runs --shuffle"
      Then it ends with 0
      And its record has the seed that it printed

  @REQ-WORKERS-05
  Rule: One failure is enough to stop where that is asked for

    Scenario: After a failure nothing more is begun, and what did not run is told
      When acceptance is run with "features/library dangers/guard.feature --workers 1 --fail-fast"
      Then it ends with 1
      And its record says that it ended early: --fail-fast
      And its record says
        | scenario                                 | status  |
        | A guard stays                            | skipped |
        | A book on the shelf is lent              | passed  |
        | A lent book is not on the shelf          | failed  |
        | A book is lent from no shelf             | skipped |
        | The library does not open                | skipped |
        | A small book is lent                     | skipped |
        | A big book is lent                       | skipped |
        | A book that nobody thought of comes back | skipped |
      And its record gives the reason "it did not run to its end: --fail-fast" for
        | scenario                                 |
        | A guard stays                            |
        | A book is lent from no shelf             |
        | The library does not open                |
        | A small book is lent                     |
        | A big book is lent                       |
        | A book that nobody thought of comes back |
      And each scenario of its record has one result of that status

  @REQ-WORKERS-06
  Rule: What was not kept can be run again by itself

    Scenario: A scenario that passes the second time is the only one that runs again
      Given an acceptance run with "dangers/lock.feature"
      When acceptance is run with "dangers/lock.feature --last-failed"
      Then it ends with 0
      And its record says
        | scenario       | status |
        | The lock opens | passed |
      And its history tells of 2 runs

    Scenario: A failure is not forgotten when something else has been run since
      Given an acceptance run with "dangers/lock.feature"
      And an acceptance run with "dangers/guard.feature"
      When acceptance is run with "dangers/lock.feature dangers/guard.feature --last-failed"
      Then it ends with 0
      And its record says
        | scenario       | status |
        | The lock opens | passed |
      And its history tells of 3 runs

    Scenario: Where nothing failed, nothing is run again
      Given an acceptance run with "dangers/guard.feature"
      When acceptance is run with "dangers/guard.feature --last-failed"
      Then it ends with 2 and says only
        """
        --last-failed: release/history.jsonl tells of no failure among these; leave the option out
        """

    Scenario: Before the first run there is nothing to run again
      When acceptance is run with "dangers/lock.feature --last-failed"
      Then it ends with 2 and says only
        """
        --last-failed: release/history.jsonl tells of no earlier run; leave the option out
        """

    Scenario: A history that cannot be read is refused
      Given a history that is no history
      When acceptance is run with "dangers/lock.feature"
      Then it ends with 2 and says only
        """
        release/history.jsonl: no history of this version (8 errors); remove the file to begin a new one
        """
