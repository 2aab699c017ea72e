@allure.label.epic:Data @critical
Feature: Tokens are cut into blocks, and blocks are dealt into batches
  A model sees every token that was prepared, and which batch a step sees depends on nothing but the seed and the
  step's number, so that a run can be resumed anywhere.

  @REQ-DATA-01
  Rule: Blocks have one length, and no token is lost

    Scenario: Only the last block is padded
      Given a stream of 10 tokens
      When it is cut into blocks of 4
      Then there are 3 blocks with 4, 4 and 2 tokens
      And the rest of the last block is padding without labels

    Scenario: Any documents packed into blocks of any length come back token for token
      Given a byte-level tokenizer trained on a few lines
      Then packing any documents into blocks of any length conserves their tokens

    Scenario Outline: A document of <layout> too long for one call of the tokenizer gives the tokens of the whole
      Given a byte-level tokenizer with tokens of several line ends
      When a document of 300000 characters, made of <layout>, is tokenized
      Then its tokens are those of the whole text

      Examples:
        | layout                   |
        | lines                    |
        | paragraphs               |
        | lines as Windows ends them |
        | one line                 |
        | indented lines           |

    Scenario: The counts before and after packing are equal and reported
      Given a folder of 20 different texts
      When the data is prepared
      Then the statistics count the tokens, blocks and padding that are on disk

  @REQ-DATA-02
  Rule: Every block is seen once an epoch, in another order each time

    Scenario: Any number of blocks in batches of any size is dealt out once an epoch
      Then any number of blocks is dealt out once an epoch in batches of any size

    Scenario: Each epoch and each seed has an order of its own
      Given 50 blocks in batches of 10
      Then no two of 20 epochs have the same order
      And another seed gives another order

    Scenario: The epochs' number of steps counts a last batch that reaches beyond them
      Given 50 blocks in batches of 8
      Then 3 epochs are 19 steps

  @REQ-DATA-03
  Rule: The batch of step k depends on the seed and k alone

    Scenario: A step asked for alone has the batch that it has in a run from the start
      Given 50 blocks in batches of 8
      When the batches of steps 1 to 40 are taken in order
      Then each of these steps asked for alone has the same batch

    Scenario Outline: The batches are the same with <workers> background workers
      Given 50 blocks in batches of 8
      When the batches of steps 1 to 40 are taken in order
      Then <workers> workers give the same batches
      And <workers> workers give the same batches from step 17 on

      Examples:
        | workers |
        | 1       |
        | 3       |
