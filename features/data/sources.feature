@allure.label.epic:Data @critical
Feature: Documents come from repositories, folders and files
  A user points at what is there, and is told what was left out of it.

  @REQ-DATA-08
  Rule: A git repository gives its committed files and its commits

    Scenario: Each file is marked with its path, and each commit with its message and patch
      Given a repository of 4 Python commits
      When the data is prepared
      Then there is a document for each file: marker, path, content
      And there is a document for each commit: marker, message, patch

    Scenario: Only what is committed is read, and the user is told what is not
      Given a repository of 4 Python commits
      And 1 changed and 2 new files that are not committed
      When the data is prepared
      Then no document holds the uncommitted text
      And the user is told "3 uncommitted changes in sample left out"

    Scenario Outline: A <kind> gives the same documents
      Given a repository of 4 Python commits
      When the data is prepared
      Then <kind> of it gives the same documents

      Examples:
        | kind                        |
        | a bare clone                |
        | a linked working tree       |
        | a folder inside             |
        | a clone with other settings |

    Scenario: The revision decides what is read
      Given a repository of 4 Python commits
      When the data is prepared with data.git.revision HEAD~2
      Then 2 commits are read

    Scenario: Files are chosen by language and pattern
      Given a repository with the files
        | name           | content     |
        | src/main.rs    | fn main()   |
        | src/lib.py     | import this |
        | vendor/copy.rs | fn copy()   |
      When the data is prepared with data.git.languages [rust] and data.git.exclude ["vendor/*"]
      Then the file documents are src/main.rs
      And left out are
        | reason         | count | names          |
        | excluded       | 1     | vendor/copy.rs |
        | other language | 1     | src/lib.py     |

    Scenario: What is not text is counted and left out
      Given a repository with everything that is not text
      When the data is prepared with data.git.max_file_bytes 1000
      Then the file documents are plain.txt
      And left out are
        | reason                  | count | names                          |
        | binary                  | 1     | picture.png                    |
        | empty                   | 1     | empty.txt                      |
        | larger than 1,000 bytes | 1     | large.txt                      |
        | not UTF-8               | 2     | latin.txt, patch of everything |
        | submodule               | 1     | module                         |
        | symbolic link           | 1     | link                           |

    Scenario: A long patch is cut at the end of a line, and counted
      Given a repository of 4 Python commits
      When the data is prepared with data.git.max_patch_bytes 300
      Then no patch is longer than 300 bytes, and each ends with a line
      And "end of a long patch" is counted 4 times

    @blocker
    Scenario: Nothing that the repository brings along is run
      Given a repository whose configuration and attributes name programs for every occasion
      When the data is prepared
      Then none of the programs was run

    Scenario: A shallow clone gives what it holds, and the user is told
      Given a shallow clone with 2 of 4 commits
      When the data is prepared
      Then the commit at the boundary, whose patch is not known, is left out
      And the user is told "sample is a shallow clone: only the commits that it holds are read"

  @REQ-DATA-09
  Rule: A repository named by a URL is cloned once and fetched later

    Scenario: A later launch sees the new commits
      Given the URL of a repository of 4 Python commits
      When the data is prepared, one more commit is made, and the data is prepared again
      Then the second time 5 commits are read from the same clone

    Scenario: A commit that was cloned before needs no network
      Given the URL of a repository of 4 Python commits
      When the data is prepared, the server goes away, and the same commit is prepared again
      Then the same data is found

    Scenario: A server that went away is named in one line, and its clone is used
      Given the URL of a repository of 4 Python commits
      When the data is prepared, the server goes away, and the data is prepared again
      Then the same data is found
      And the user is told once that the URL cannot be fetched

    Scenario: A trainer tells that its server went away
      Given the URL of a repository of 4 Python commits
      When the data is prepared, the server goes away, and a trainer is made
      Then the user is told once that the URL cannot be fetched

    Scenario: A revision that was never cloned needs the server
      Given the URL of a repository of 4 Python commits
      When the data is prepared, the server goes away, and the revision v9 is prepared
      Then it is refused with one line that names the URL and the revision v9

  @REQ-DATA-10
  Rule: Folders and files of text

    Scenario: A folder gives a document for each text file
      Given a folder with text, JSON lines, a hidden file, a picture, a file of 100 MB and a link out of it
      When the data is prepared
      Then the documents are "alpha", "beta", "first line" and "second line"
      And left out are
        | reason                       | count | names       |
        | binary                       | 1     | picture.png |
        | empty                        | 1     | lines.jsonl:3 |
        | hidden                       | 1     | .hidden     |
        | larger than 50,000,000 bytes | 1     | huge.txt    |
        | symbolic link                | 2     | away, outside.txt |

    Scenario: The name of a file that is left out cannot speak to the terminal
      Given a folder with a text and a picture whose name clears the screen
      When the data is prepared with data.validation_fraction 0
      Then the user is told "left out: 1 binary (␛[2J.png)"

    Scenario: One text file is one document
      Given a file story.txt with "Once upon a time there was a tokenizer."
      When the data is prepared with data.validation_fraction 0
      Then the documents are "Once upon a time there was a tokenizer."

    Scenario: JSON lines give a document for each line, from the field that is named
      Given a file rows.jsonl with the lines
        """
        {"body": "first text", "id": 1}
        {"body": "second text", "id": 2}

        """
      When the data is prepared with data.text_field body
      Then the documents are "first text" and "second text"

    Scenario: Token numbers that need more than 16 bits come through
      Given a pretrained tokenizer of 70000 words, and a folder saved by datasets with 8 texts of its last ones
      When the data is prepared
      Then the documents are the 8 texts

    Scenario: A saved data set gives its token numbers
      Given a pretrained tokenizer and a folder saved by datasets with its token numbers of 8 texts
      When the data is prepared
      Then the documents are the 8 texts
