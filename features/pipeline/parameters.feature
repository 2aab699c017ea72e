# How long training lasts, computed from the size of the repository.
@allure.label.epic:Pipeline @critical
Feature: The length of training is computed from what there is to learn from
  A small repository is read several times and a large one once, without anybody working it out,
  and each number can be checked with pencil and paper.

  @REQ-PIPELINE-01
  Rule: Each number follows from one formula

    Scenario: Epochs bring the tokens that are seen near the target, within bounds
      When the epochs are computed for
        | target tokens | tokens an epoch | at least | at most | epochs |
        | 1000          | 250             | 1        | 10      | 4      |
        | 999           | 250             | 1        | 10      | 3      |
        | 1000          | 1001            | 1        | 10      | 1      |
        | 1000          | 1001            | 2        | 10      | 2      |
        | 1000          | 99              | 1        | 10      | 10     |
        | 1000          | 1               | 1        | 10      | 10     |
        | 1000          | 0               | 1        | 10      | 10     |
        | 1000          | 250             | 7        | 7       | 7      |
      Then each is what the table says

    Scenario: An epoch has as many steps as batches, accumulated ones counted once
      When the steps of an epoch are computed for
        | sequences | batch size | accumulation | steps |
        | 0         | 8          | 1            | 0     |
        | 1         | 8          | 1            | 1     |
        | 8         | 8          | 1            | 1     |
        | 9         | 8          | 1            | 2     |
        | 64        | 8          | 4            | 2     |
        | 65        | 8          | 4            | 3     |
      Then each is what the table says

    Scenario: All steps are as many as the trainer makes
      When all steps are computed for
        | epochs | sequences | batch size | accumulation | steps |
        | 1      | 9         | 8          | 1            | 2     |
        | 3      | 9         | 8          | 1            | 4     |
        | 10     | 1         | 8          | 4            | 1     |
        | 2      | 64        | 8          | 4            | 4     |
      Then each is what the table says
      And each is what the trainer would make of the same epochs

    Scenario: The warm-up is a tenth of all steps, within bounds, and leaves a step after it
      When the warm-up is computed for
        | steps | at least | at most | warm-up |
        | 100   | 5        | 200     | 10      |
        | 109   | 5        | 200     | 10      |
        | 49    | 5        | 200     | 5       |
        | 5000  | 5        | 200     | 200     |
        | 5     | 5        | 200     | 4       |
        | 1     | 5        | 200     | 0       |
        | 0     | 5        | 200     | 0       |
        | 100   | 0        | 0       | 0       |
      Then each is what the table says

    Scenario: Sequences overlap, and every token is in one
      When the sequences of a document are computed for
        | tokens | length | overlap | sequences |
        | 0      | 16     | 4       | 0         |
        | 1      | 16     | 4       | 1         |
        | 16     | 16     | 4       | 1         |
        | 17     | 16     | 4       | 2         |
        | 28     | 16     | 4       | 2         |
        | 29     | 16     | 4       | 3         |
        | 32     | 16     | 0       | 2         |
      Then each is what the table says

    Scenario Outline: At most <most> steps are made
      When the parameters are computed for 9000 tokens in 90 sequences, batches of 4 times 2, and a target of 36000 tokens in at most <most> steps
      Then there are <epochs> epochs, 12 steps an epoch, <steps> steps and a warm-up of 5

      Examples:
        | most | epochs | steps |
        | 46   | 4      | 45    |
        | 45   | 4      | 45    |
        | 33   | 3      | 33    |
        | 10   | 1      | 10    |

  @REQ-PIPELINE-02
  Rule: What the user asks for is not computed

    Scenario Outline: <asked> decides the length
      When the parameters are computed for 9000 tokens in 90 sequences, batches of 4 times 2, and <asked>
      Then there are <epochs> epochs, <an epoch> steps an epoch, <steps> steps and a warm-up of <warm-up>

      Examples:
        | asked                   | epochs | an epoch | steps | warm-up |
        | a target of 36000 tokens | 4      | 12       | 45    | 5       |
        | 10 epochs               | 10     | 12       | 113   | 11      |
        | 50 steps                | 5      | 12       | 50    | 5       |
