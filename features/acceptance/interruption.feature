@allure.label.epic:Acceptance
@critical
Feature: An acceptance run that is interrupted says so and leaves nothing running
  Whoever stops a long run wants what it has shown so far, and must not take the part for the whole.

  @REQ-STOP-01
  Rule: A signal ends a run with a partial report that is marked as such

    Scenario Outline: <signal>: what has run is reported, what has not is named
      When acceptance is run with "dangers/lock.feature dangers/night.feature --workers 1" and meets <signal> once "asleep" is seen
      Then it ends with <code>
      And its record says that it ended early: interrupted by <signal>
      And its record says
        | scenario               | status  |
        | The lock opens         | failed  |
        | The lock closes        | passed  |
        | The librarian wakes up | skipped |
        | The morning comes      | skipped |
      And its record gives the reason "it did not run to its end: interrupted by <signal>" for
        | scenario               |
        | The librarian wakes up |
        | The morning comes      |
      And each scenario of its record has one result of that status
      And what its scenarios have started is gone
      And only "the-lock-opens" has left a workspace

      Examples:
        | signal  | code |
        | SIGINT  | 130  |
        | SIGTERM | 143  |

    Scenario: A second Ctrl-C leaves at once
      Given a node on the path that hangs
      When acceptance is run with "dangers/night.feature" and meets SIGINT once "asleep" is seen and again once "drawing" is
      Then it ends with 130
      And there is no report of it
      And what its scenarios have started is gone
