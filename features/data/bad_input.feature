@allure.label.epic:Data @normal
Feature: A corpus that cannot be used is refused in one line
  The line names the place and the remedy, before any work is spent, and nothing half-made stays behind.

  @REQ-DATA-13
  Rule: Each refusal says what to change

    Scenario Outline: <mistake> is refused
      Given <mistake> as the corpus
      When the data is prepared
      Then it is refused as the user's mistake with "<message>"
      And nothing half-made is left behind

      Examples: repositories
        | mistake                      | message                                                                                                        |
        | a missing repository         | data.git.repository: no folder at missing                                                                      |
        | a folder without git         | data.git.repository: plain is not a git repository; name the folder of one, or its URL                         |
        | a repository without commits | data.git.repository: sample has no commits; commit something first                                             |
        | an unknown revision          | data.git.revision: 'v9' names no commit in sample; see git log --oneline --all                                 |
        | an unknown language          | data.git.languages: 'pyton' is not a known language; did you mean python?                                      |
        | a repository of pictures     | sample at 8ac2d65cde02 holds no text to train on; left out: 1 binary (a.png)                                   |
        | a URL without a repository   | data.git.repository: file:///nowhere/here cannot be cloned: '/nowhere/here' does not appear to be a git repository |

      Examples: files
        | mistake                    | message                                                                                                    |
        | a missing file             | data.source_corpus: no file or folder at missing.txt                                                       |
        | a file of another kind     | data.source_corpus: corpus.pdf must be a folder, a .txt file or a .jsonl file                              |
        | an empty folder            | corpus holds no text to train on                                                                           |
        | a folder of pictures       | corpus holds no text to train on; left out: 2 binary (a.png, b.png)                                        |
        | an empty file              | empty.txt holds no text to train on; left out: 1 empty (empty.txt)                                         |
        | a broken line              | rows.jsonl, line 2: not valid JSON (Expecting ',' delimiter at column 13)                                  |
        | a line that is not UTF-8   | rows.jsonl, line 2: not valid UTF-8 (invalid start byte at byte 12)                                        |
        | a line that is a list      | rows.jsonl, line 2: expected an object, found an array                                                     |
        | a line without the field   | rows.jsonl, line 2: no field 'text'; set data.text_field to one of its fields: body, id                    |
        | a line with a number       | rows.jsonl, line 2: field 'text' must be text, found a number                                              |
        | a line with half a pair    | rows.jsonl, line 2: field 'text' holds half of a surrogate pair                                            |
        | one document               | the corpus is one document, which cannot be divided into training and validation: set data.validation_fraction to 0, or give data.training_corpus and data.test_corpus |
        | three equal documents      | the corpus is 3 documents of equal content, which cannot be divided into training and validation: set data.validation_fraction to 0, or give data.training_corpus and data.test_corpus |
        | less than one block        | the training documents give 3 tokens, fewer than one block of 16 (data.max_sequence_length): add text, or make the blocks shorter |

      Examples: tokenizers
        | mistake                      | message                                                                                                   |
        | a missing tokenizer          | tokenizer.name_or_path: no folder at ./tokenizer                                                          |
        | a folder without tokenizer   | plain holds no tokenizer |
        | too small a sentencepiece    | tokenizer.vocab_size (300) must be at least 302 for sentencepiece on this corpus: 256 bytes, 5 special tokens and the characters that it uses |

    Scenario Outline: A saved data set with <mistake> is refused
      Given a saved data set with <mistake>
      When the data is prepared
      Then it is refused as the user's mistake with "<message>"

      Examples:
        | mistake                    | message                                                                                                       |
        | no input_ids               | saved: no column 'input_ids'; its columns are text                                                            |
        | a row of null              | saved, row 2: input_ids is null                                                                               |
        | a negative number          | saved, row 2: input_ids holds -1..5, token numbers start at 0                                                 |
        | a tokenizer trained here   | data.source_corpus: saved holds token numbers: set tokenizer.tokenizer_type to pretrained and tokenizer.name_or_path to the tokenizer that made them |
        | a number beyond the tokens | saved, row 2: token 70000 is beyond the vocabulary of 294 tokens; tokenizer.name_or_path must be the tokenizer that made these input_ids |

    Scenario: A machine without git is told so
      Given a repository of 4 Python commits
      When a process without git on its path prepares the data
      Then it is refused as the user's mistake with "git was not found on the PATH, and data.git needs it; install git"

    Scenario: A repository that lost an object is named
      Given a repository that lost the content of a file
      When the data is prepared
      Then it is refused as a failure that says "check it with git fsck"
      And nothing half-made is left behind
