# Files and commits that repeat others.
@allure.label.epic:Pipeline @critical
Feature: What stands in a repository several times is learned from once
  A vendored copy teaches a model to recite it, and makes the validation of what it has learned
  look better than it is.

  @REQ-TOKENIZE-05
  Rule: Of files that are as similar as the threshold one is kept

    Scenario Outline: At a threshold of <threshold>, copies above it are left out and those below are kept
      Given 12 files of 120 lines, and of each a copy of which every other has its own share of changed lines
      And a pipeline that sets tokenize.near_duplicates to <threshold>
      When the history is tokenized
      Then every copy whose similarity is above <threshold> by 0.08 is left out, and there are at least <above>
      And every copy whose similarity is below <threshold> by 0.08 is kept, and there are at least <below>
      And the estimate of each pair that is named is within 0.1 of its similarity

      Examples:
        | threshold | above | below |
        | 0.5       | 5     | 2     |
        | 0.7       | 3     | 5     |
        | 0.8       | 2     | 8     |

    Scenario: Only equal texts are left out at a threshold of 1
      Given 12 files of 120 lines, and of each a copy of which every other has its own share of changed lines
      And a pipeline that sets tokenize.near_duplicates to 1
      When the history is tokenized
      Then exactly the copies without a change are left out

    Scenario: Without a threshold every file is kept
      Given 12 files of 120 lines, and of each a copy of which every other has its own share of changed lines
      And a pipeline that sets tokenize.near_duplicates to null
      When the history is tokenized
      Then 24 documents of files are there, and no near-duplicate is counted

    Scenario Outline: Of three almost equal files that appeared <when>, <kept> is kept
      Given three almost equal files a.py, b.py and c.py, of which <first> appeared before the others
      When the history is tokenized
      Then of the files a.py, b.py and c.py exactly <kept> is there
      And 2 near-duplicates are counted, both in favour of <kept>

      Examples:
        | when          | first  | kept |
        | one by one    | b.py   | b.py |
        | all at a time | none   | a.py |

    Scenario: Files of white space, and of fewer words than a shingle, are compared as well
      Given a history of the small files
        | path     | text          |
        | a.py     | x = 1\n       |
        | b.py     | x  =  1\n     |
        | c.py     | x = 2\n       |
        | blank.py | \n\n          |
        | white.py | \n \n         |
      When the history is tokenized
      Then exactly the near-duplicate b.py is left out

    Scenario: Where the library is missing it is named, and nothing is made
      Given three almost equal files a.py, b.py and c.py, of which none appeared before the others
      When the history is tokenized where datasketch is not installed
      Then the process ends with "tokenize.near_duplicates: needs datasketch, which is not installed; `pip install 'foundry-lm[pipeline]'` does that, and null keeps every file"
      And no sequences were made

  @REQ-TOKENIZE-06
  Rule: A change that was made twice is learned from once

    Scenario: A commit with the changes of an older one is left out
      Given a history of 9 commits on 8 files
      And the first commit was made again on another branch, with another message
      When the history is tokenized
      Then the commit c4e is left out as "with the changes of an older commit"
