@allure.label.epic:Data
@critical
Feature: Hostile corpora and tokenizers are refused before anything in them is run
  Corpora come from everywhere. Reading one runs no code, waits for nothing, and holds no more of it in memory than a
  document; prepared data that is not what was prepared is prepared again.

  @REQ-HOSTILE-12
  Rule: A tokenizer is data, and of a size that a tokenizer has

    Scenario: Hostile tokenizers are refused
      When each of these is planted into a tokenizer's folder that is trained with
        | hostile                                          | said                                                           |
        | a tokenizer that is binary                       | holds no tokenizer that can be read                            |
        | a tokenizer nested without end                   | holds no tokenizer that can be read                            |
        | a tokenizer of nothing                           | holds no tokenizer that can be read                            |
        | a tokenizer with a token of number 4,294,967,000 | holds no tokenizer that can be read                            |
        | a tokenizer with a negative token                | holds no tokenizer that can be read                            |
        | a pickle for a tokenizer                         | holds no tokenizer that can be read                            |
        | a tokenizer of 300 MB                            | has 300,000,000 bytes, more than the 200,000,000 that are read |
        | a named pipe for a tokenizer                     | holds no tokenizer that can be read                            |
        | settings that are a list                         | holds no tokenizer that can be read                            |
        | settings nested without end                      | is nested too deeply                                           |
        | a class of its own, with its code                | cannot be loaded                                               |
        | sentencepiece of noise                           | sentencepiece.model cannot be read                             |
        | sentencepiece of nothing                         | sentencepiece.model cannot be read                             |
        | a pickle for sentencepiece                       | sentencepiece.model cannot be read                             |
        | a named pipe for sentencepiece                   | is not a regular file                                          |
      Then each is refused in one line with its words, exit code 2
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

  @REQ-HOSTILE-13
  Rule: Rows and data sets are read one bounded piece at a time, from their own files alone

    Scenario: Hostile rows are refused
      When each of these is planted into rows that are trained on
        | hostile                         | said                                                      |
        | a row nested without end        | is nested too deeply                                      |
        | a row with a number without end | rows.jsonl, line 2: holds a number that is too long to be |
        | a row that is binary            | rows.jsonl, line 2: not valid UTF-8                       |
        | a row that does not end         | rows.jsonl, line 2: not valid JSON                        |
        | a row of 300 MB                 | rows.jsonl, line 1: is longer than 50,000,000 bytes       |
        | a named pipe for rows           | rows.jsonl cannot be read: Not a directory                |
        | a pickle for rows               | rows.jsonl, line 1: not valid UTF-8                       |
      Then each is refused in one line with its words, exit code 2
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

    Scenario: Hostile data sets are refused
      When each of these is planted into a saved data set that is trained on
        | hostile                              | said                                                          |
        | state.json nested without end        | is nested too deeply                                          |
        | state.json that is a list            | does not describe a data set                                  |
        | state.json of 300 MB                 | has 300,000,000 bytes, more than the 16,000,000 that are read |
        | a pickle for state.json              | is not UTF-8 text                                             |
        | dataset_info.json nested without end | is nested too deeply                                          |
        | dataset_info.json that is a list     | cannot be read by the datasets library                        |
        | dataset_info.json of 300 MB          | has 300,000,000 bytes, more than the 16,000,000 that are read |
        | a pickle for dataset_info.json       | is not UTF-8 text                                             |
        | rows of noise                        | cannot be read by the datasets library                        |
        | rows of nothing                      | cannot be read by the datasets library                        |
        | rows above the folder                | names the file ../elsewhere.arrow                             |
        | a named pipe for the rows            | data-00000-of-00001.arrow is neither a file nor a folder      |
      Then each is refused in one line with its words, exit code 2
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

  @REQ-HOSTILE-14
  Rule: Prepared data that is not what was prepared is prepared again

    Scenario: Hostile prepared data is prepared again
      When each of these is planted into prepared data that is trained on
        | hostile                              | said                                                            |
        | statistics nested without end        | is nested too deeply                                            |
        | statistics of nothing                | is damaged                                                      |
        | statistics without the tokens        | is damaged                                                      |
        | statistics of files elsewhere        | is damaged                                                      |
        | blocks of no tokens                  | is damaged                                                      |
        | half a token                         | is damaged                                                      |
        | statistics of 3 GB                   | has 3,000,000,000 bytes, more than the 16,000,000 that are read |
        | a named pipe for statistics          | is not a regular file                                           |
        | a named pipe for tokens              | is damaged                                                      |
        | an endless device for tokens         | is damaged                                                      |
        | a link for prepared data             | is a symbolic link                                              |
      Then each is overcome, and its words are said
      And nothing of it is executed
      And it takes little memory and time
