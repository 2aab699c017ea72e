# From the records of a repository to sequences of tokens of one length.
@allure.label.epic:Pipeline @critical
Feature: A repository's commits and files become sequences that a model can be trained on
  Every token is learned from once in an epoch, nothing of it is padding, and of each sequence it is
  known which commit, author, time and directory it comes from.

  @REQ-TOKENIZE-01
  Rule: Every token is predicted once in an epoch, and nothing else is

    Scenario Outline: With <overlap> tokens of overlap in sequences of <length>, no token is lost or learned twice
      Given a history of 9 commits on 8 files
      And sequences of <length> tokens with <overlap> of overlap
      When the history is tokenized
      Then every sequence has exactly <length> tokens, and begins with the last <overlap> of the one before it
      And the streams are the documents, to the token
      And every token but the first of each stream is predicted once
      And padding is at the end of the last sequence of a stream alone, and is never predicted

      Examples:
        | length | overlap |
        | 32     | 1       |
        | 32     | 8       |
        | 33     | 15      |
        | 16     | 7       |
        | 4096   | 100     |

    Scenario: Without overlap the first token of each sequence is context alone
      Given a history of 9 commits on 8 files
      And sequences of 32 tokens with 0 of overlap
      When the history is tokenized
      Then every token but the first of each sequence is predicted once

    Scenario: The statistics count what is there
      Given a history of 9 commits on 8 files
      When the history is tokenized
      Then tokens, targets, sequences, padding and documents are as a count of the files gives them
      And the length of training follows from them

  @REQ-TOKENIZE-02
  Rule: Markers are tokens in the vocabulary, and text never turns into one

    Scenario Outline: With <tokenizer>, a commit is its message and its changed files, each behind its marker
      Given a history of 9 commits on 8 files
      And a pipeline that sets experiment.tokenizer to {tokenizer_type: <tokenizer>, vocab_size: 400}
      And the last commit is
        | part    | text                                      |
        | message | Open the door\n\nIt was closed.           |
        | door.py | def door():\n    return "<\|commit\|>"\n  |
      When the history is tokenized
      Then among the documents of commits is
        """
        <|commit|>Open the door

        It was closed.
        <|file|>door.py
        added
        @@ -1,0 +1,2 @@
        +def door():
        +    return "<|commit|>"

        """
      And among the documents of files is
        """
        <|file|>door.py
        def door():
            return "<|commit|>"

        """
      And each of these documents holds as many marker tokens as markers of its own

      Examples:
        | tokenizer     |
        | bpe           |
        | sentencepiece |

    Scenario: In the vocabulary of a pretrained model a marker is plain text
      Given a history of 9 commits on 8 files
      And an experiment that adapts a tiny pretrained llama
      When the history is tokenized
      Then the tokenizer of the sequences is the model's own
      And every document of a file begins with the text <|file|>

    Scenario: What happened to a file stands before its changes
      Given a history of 9 commits on 8 files
      And a commit with these changes
        | path    | change   | kind      | old_path | old_mode | new_mode |
        | a.png   | added    | binary    |          | 000000   | 100644   |
        | b.py    | renamed  | text      | a.py     | 100644   | 100644   |
        | c.sh    | mode     | text      |          | 100644   | 100755   |
        | lib     | modified | submodule |          | 160000   | 160000   |
        | d.py    | deleted  | text      |          | 100644   | 000000   |
        | e\udcff | added    | text      |          | 000000   | 100644   |
      When the history is tokenized
      Then among the documents of commits is
        """
        <|commit|>Odd changes
        <|file|>a.png
        added binary
        <|file|>b.py
        renamed from a.py
        <|file|>c.sh
        mode from 100644 to 100755
        <|file|>lib
        submodule
        <|file|>d.py
        deleted
        <|file|>e?
        added

        """

    Scenario: A merge is its message alone, because its changes stand in the commits that it merges
      Given a history of 9 commits on 8 files
      And a merge that brings in a file
      When the history is tokenized
      Then among the documents of commits is
        """
        <|commit|>Merge the door

        """

    Scenario: The tokenizer learns from the training side alone
      Given a history of 9 commits on 8 files
      And the last commit writes the word quixotically 200 times
      When the history is tokenized
      Then the word quixotically takes more than 3 tokens
      And it stands in the validation side

  @REQ-TOKENIZE-03
  Rule: Of each sequence it is known where it comes from

    Scenario: The metadata says commit, author, time, directory and source of the last document of each sequence
      Given a history of these commits, with a word of text each
        | hash | author  | time | files             |
        | aa   | Ada     | 1000 | src/a.py          |
        | bb   | Grace   | 2000 | src/b.py          |
        | cc   | Barbara | 3000 | lib/x/c.py        |
        | dd   | Radia   | 4000 | lib/y/d.py, lib/e |
      And sequences of 4096 tokens with 32 of overlap
      And a pipeline that sets tokenize.validation_fraction to 0.01
      When the history is tokenized
      Then the metadata is
        | side       | sequence | source | document   | documents | last_commit | author  | time | directory |
        | training   | 0        | commit | cc         | 3         | cc          | Barbara | 3000 | lib/x     |
        | training   | 1        | file   | lib/x/c.py | 3         | cc          | Barbara | 3000 | lib/x     |
        | validation | 0        | commit | dd         | 1         | dd          | Radia   | 4000 | lib       |
        | validation | 1        | file   | lib/y/d.py | 2         | dd          | Radia   | 4000 | lib/y     |
      And its tokens and targets add up to those of the statistics

  @REQ-TOKENIZE-04
  Rule: Sequences are there whole or not at all, and the same ones each time

    Scenario: The same records give the same bytes
      Given a history of 9 commits on 8 files
      When the history is tokenized twice, in two places
      Then both folders hold the same bytes, and both results are equal

    Scenario: Other settings replace what was there
      Given a history of 9 commits on 8 files, which has been tokenized
      When it is tokenized again with the setting tokenize.overlap at 4
      Then the sequences have 4 tokens of overlap, and nothing else is left in the folder

    Scenario Outline: Tokenizing that is refused leaves the sequences that were there
      Given a history of 9 commits on 8 files, which has been tokenized
      And <fault>
      When it is tokenized once more
      Then the phase is refused with "<message>"
      And the sequences are as they were

      Examples:
        | fault                         | message                                                                                                                                                                                    |
        | the records of files are gone | pipelines/sample/history/files.jsonl: is missing; the phase scrape makes it: run the pipeline from there                                                                                     |
        | a record is cut off           | pipelines/sample/history/commits.jsonl: holds no record in line 9; scrape again by `--from scrape --force`                                                                                  |
        | all commits are of one time   | tokenize.validation_fraction (0.1) keeps the newest commits for validation, and the history holds 9 commits of one time: set it to 0, or read more of the history                            |
        | there is no commit            | the repository holds no commit to learn from                                                                                                                                                 |

    Scenario: A process that is killed while it tokenizes leaves no half sequences
      Given a history of 9 commits on 8 files
      When tokenizing is killed at every twelfth of its operations on files, and then done
      Then no killed process left a folder of sequences that was not whole
      And the sequences are those of a history that was tokenized without interruption
