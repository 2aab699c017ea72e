@allure.label.epic:Acceptance
@critical
Feature: A gate says whether a release is at least as good as the last
  A green run of fewer scenarios, or one that covers less, is a step back that looks like success.

  @REQ-GATE-01
  Rule: Each step back is one reason, in one line

    Scenario Outline: <what>
      Given a run that kept 3 promises, with 95.0 % of lines and 90.0 % of branches covered
      When <what>, as the gate sees it
      Then the reasons of the gate are "<reasons>"

      Examples: steps back
        | what                                    | reasons                                                                                               |
        | a scenario is not kept any more         | not kept: 1 of 3 scenarios                                                                            |
        | a scenario is gone                      | scenarios: 2, and 3 in the run of 2026-01-01T00:00:00+00:00; gone: Third                                   |
        | a scenario is skipped now               | scenarios that were run: 2, and 3 in the run of 2026-01-01T00:00:00+00:00; skipped: 1, and 0 then       |
        | lines covered fall to 94.9              | coverage of lines fell to 94.9 % from 95.0 % in the run of 2026-01-01T00:00:00+00:00                  |
        | branches covered fall to 89.94          | coverage of branches fell to 89.9 % from 90.0 % in the run of 2026-01-01T00:00:00+00:00               |
        | the fault no-causal-mask survives       | planted faults that survived: 1 of 60: no-causal-mask                                                       |
        | a hook fails outside the scenarios      | outside the scenarios: the pump has failed                                                            |
        | the run is interrupted by SIGINT        | the run is not whole: interrupted by SIGINT                                                           |

      Examples: no step back
        | what                                    | reasons |
        | nothing changes                         |         |
        | lines covered fall to 94.96             |         |
        | coverage is not measured                |         |
        | there is nothing to compare with        |         |

    Scenario: Coverage is compared with the last run that measured it
      Given a run that kept 3 promises, with 95.0 % of lines and 90.0 % of branches covered
      And a later run that did not measure coverage
      When lines covered fall to 94.9, as the gate sees it
      Then the reasons of the gate are "coverage of lines fell to 94.9 % from 95.0 % in the run of 2026-01-01T00:00:00+00:00"

    Scenario: A rerun of what failed is not compared with a rerun of more
      Given a rerun by --last-failed that kept 3 promises
      When a scenario is gone, as the gate sees it
      Then the reasons of the gate are ""

  @REQ-GATE-02
  Rule: The gate decides on the exit code only where it is asked for

    Scenario Outline: A run with fewer scenarios than the last one, <asked>: exit code <code>
      Given an acceptance run with "features/library/lending.feature --tags=@minor --tags='not @REQ-LEND-02'"
      And the row "big" is taken out of the examples
      When acceptance is run with "features/library/lending.feature --tags=@minor --tags='not @REQ-LEND-02' <option>"
      Then it ends with <code>
      And it says of the gate "<said>" and that "A big book is lent" is gone

      Examples:
        | asked            | option | code | said                           |
        | with --gate      | --gate | 1    | the quality gate is shut:      |
        | without --gate   | --workers 1| 0    | the quality gate would be shut: |
