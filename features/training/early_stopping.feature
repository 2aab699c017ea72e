@allure.label.epic:Training
@critical
Feature: Training stops when validation no longer improves
  Training past the best point wastes machine time and makes the model worse. How long to wait is the experiment's choice.

  @REQ-STOP-01
  Rule: Training stops after as many evaluations without improvement as patience allows

    Scenario: A run stops three evaluations after its best one
      Given a small experiment that stops early
      When it is launched
      Then it has stopped early, 6 steps after its best step

    Scenario: Without patience a run makes all of its steps
      Given a small experiment whose validation loss rises
      When it is launched
      Then the launch makes the steps 1 to 12

    Scenario Outline: Losses of <losses> with patience <patience> and a smallest improvement of <delta>
      Given a patience of <patience> and a smallest improvement of <delta>
      When validation gives the losses <losses>
      Then training stops after evaluation <stop>
      And the lowest loss is that of evaluation <lowest>

      Examples:
        | losses             | patience | delta | stop  | lowest |
        | 5, 4, 4, 4         | 2        | 0     | 4     | 2      |
        | 5, 6, 4, 5, 6      | 2        | 0     | 5     | 3      |
        | 5, 4.9, 4.8, 4.7   | 2        | 0.5   | 3     | 3      |
        | 5, 4.9, 4.4, 4.3   | 2        | 0.5   | never | 4      |
        | 5, 4.5, 4.4        | 1        | 0.5   | 2     | 2      |
        | 5, 6, 5.5, 5.4     | 2        | 0     | 3     | 1      |
        | 5, 6, 7            | none     | 0     | never | 1      |
