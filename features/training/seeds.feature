@allure.label.epic:Training
@normal
Feature: Random numbers belong to the seed and the step, in every version
  A run that was begun with an older version goes on with the numbers that it would have drawn then.

  @REQ-REPRODUCE-04
  Rule: A seed that is derived stays what it is

    Scenario Outline: The seed derived from <parts>
      When a seed is derived from "<parts>"
      Then that seed is <seed>

      Examples:
        | parts                 | seed                |
        | 42/step/1/0           | 3226905712612064268 |
        | 42/step/2/0           | 7454070619444821555 |
        | 42/initial weights    | 857220164482916247  |
        | 0                     | 3456079177858693020 |
