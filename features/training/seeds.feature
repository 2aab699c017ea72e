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

  @REQ-REPRODUCE-05
  Rule: What draws outside of a step goes on where the checkpoint was written

    Scenario Outline: After the states are restored, <generator> gives the numbers that it would have given
      Given the states of all generators, as a checkpoint keeps them
      When 5 numbers are drawn from <generator>, and 5 again after the states were restored
      Then the second 5 are the first ones

      Examples:
        | generator             |
        | Python's random       |
        | numpy.random          |
        | torch                 |
