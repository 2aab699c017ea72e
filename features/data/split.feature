@allure.label.epic:Data @blocker
Feature: Validation documents are never trained on
  A validation loss says something only if nothing that it is measured on was seen before.

  @REQ-DATA-04
  Rule: No document stands on both sides

    Scenario: Copies of a document stand on one side together
      Given a folder of 30 different texts, each in two files
      When the data is prepared
      Then no text is on both sides
      And every text is on one side twice

    Scenario: Validation takes its share of the bytes
      Given a folder of 200 different texts
      When the data is prepared with data.validation_fraction 0.25
      Then the validation side has between 25 % and 27 % of the bytes

    Scenario Outline: However small or large the share, each side has a document
      Given a folder of 5 different texts
      When the data is prepared with data.validation_fraction <fraction>
      Then the sides have <training> and <validation> documents

      Examples:
        | fraction | training | validation |
        | 0.0001   | 4        | 1          |
        | 0.9999   | 1        | 4          |

    Scenario: The seed decides which documents validate, and the order of the files does not
      Given a folder of 30 different texts
      When the data is prepared
      Then the same texts under other names are divided in the same way
      And another seed divides them in another way

    Scenario: A corpus that is divided already stays as it is
      Given a training corpus of 10 texts and a test corpus of 4, one of them in both
      When the data is prepared
      Then the sides have 10 and 4 documents
      And the user is told "1 of 4 documents of data.test_corpus also stand in data.training_corpus"

    Scenario: Without a share for validation all documents train
      Given a folder of 5 different texts
      When the data is prepared with data.validation_fraction 0
      Then all 5 documents train and none validates

  @REQ-DATA-05
  Rule: The tokenizer is trained on the training documents only

    Scenario Outline: The <type> tokenizer is the one that the training documents alone give
      Given a folder of 60 different texts
      When the data is prepared with a trained <type> tokenizer
      Then training a <type> tokenizer on the training side alone gives the same tokenizer

      Examples:
        | type          |
        | bpe           |
        | sentencepiece |
