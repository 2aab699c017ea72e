@allure.label.epic:Data @critical
Feature: Prepared data is kept, and used again only if it is the right one
  Tokenizing a corpus takes minutes; training on the wrong one costs days.

  @REQ-DATA-11
  Rule: Data is prepared again when anything that decides it has changed

    Scenario: The same experiment finds its data
      Given a folder of 20 different texts
      When the data is prepared twice
      Then the second time nothing is written

    Scenario Outline: A changed <what> prepares the data again
      Given a folder of 20 different texts
      When the data is prepared, <what> is changed, and the data is prepared again
      Then the second time other data is made and the first stays

      Examples:
        | what              |
        | a text            |
        | a file's name     |
        | the vocabulary    |
        | the tokenizer     |
        | the block length  |
        | the seed          |

    Scenario Outline: Changed <what> of a repository prepares its data again
      Given a repository of 4 Python commits
      When the data is prepared, <what> is changed, and the data is prepared again
      Then the second time other data is made and the first stays

      Examples:
        | what                    |
        | the use of commits      |
        | the longest patch       |
        | the validation fraction |

    Scenario: Another text field prepares the data again
      Given a file rows.jsonl with the lines
        """
        {"title": "first title", "body": "the first body is a longer text"}
        {"title": "second title", "body": "the second body is a longer text, too"}
        {"title": "third title", "body": "the third body is a text like the others"}
        {"title": "fourth title", "body": "the fourth body is the last"}
        """
      When the data is prepared, the text field is changed, and the data is prepared again
      Then the second time other data is made and the first stays

    Scenario: A pretrained tokenizer that was changed in its folder prepares the data again
      Given a folder of 20 different texts
      And a pretrained tokenizer in a folder of its own
      When the data is prepared, the tokenizer's file is changed, and the data is prepared again
      Then the second time other data is made and the first stays

    Scenario: A changed module of foundry prepares the data again
      Given a folder of 20 different texts
      When a module of foundry changes between two preparations
      Then the second time other data is made and the first stays

    Scenario Outline: What changes no token finds its data
      Given a folder of 20 different texts
      When the data is prepared, <what> is changed, and the data is prepared again
      Then the second time nothing is written

      Examples:
        | what               |
        | the batch size     |
        | the learning rate  |

  @REQ-DATA-12
  Rule: Damaged data is never used

    Scenario Outline: Data with <damage> is made again
      Given a folder of 20 different texts
      When the data is prepared, <damage> happens to it, and the data is prepared again
      Then the second time the same tokens are on disk as before
      And the user is told that the data was damaged

      Examples:
        | damage                          |
        | a flipped bit in train.bin      |
        | a flipped bit in validation.bin |
        | a cut end of train.bin          |
        | a lost tokenizer                |
        | a broken statistics.json        |

    Scenario: Two processes that prepare the same data at once both end well
      Given a folder of 20 different texts
      When two processes prepare the data at the same time
      Then both found the same tokens
