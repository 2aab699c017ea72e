@allure.label.epic:Pipeline @critical
Feature: `foundry search` answers a question in words with commits and files
  Whoever is new to a repository asks what it does, not how its files are called.
  The answer names each commit and file once, the nearest first, in a form that a person or a program reads.

  @REQ-SEARCH-01
  Rule: Answers are about what was asked, whatever words were used

    @blocker
    Scenario Outline: The question "<question>" finds <path> and its commit first
      Given an indexed repository about failing requests, tables and colours
      When it is asked "<question>"
      Then the first file is <path> and the first commit is "<subject>"

      Examples:
        | question                        | path              | subject                                              |
        | where is the retry logic        | billing/client.py | Repeat a request that has failed, with growing pauses |
        | how are CSV files parsed        | prices/table.py   | Read price lists from comma separated values         |
        | which colours does the UI have  | window/colours.py | A dark and a light palette for the window            |

    Scenario: A function at the end of a long file is found, and the file is named once
      Given an indexed repository with a file of 60 dull functions that ends with retrying
      When it is asked "where is the retry logic"
      Then the first answer is the line of that function
      And no commit or file is named twice

    @blocker
    Scenario: The ten best are those that comparing with every vector gives
      Given an indexed repository of which 12 commits add a module of 4 functions each
      When it is asked 4 questions
      Then recall at 10 against exact search is at least 0.99

    Scenario: A server answers as a folder does
      Given an indexed repository about failing requests, tables and colours
      And the same repository indexed on a Qdrant server
      When both are asked "where is the retry logic"
      Then both give the same answers

  @REQ-SEARCH-02
  Rule: Answers are for people and for programs

    Scenario: A person reads rank, score, kind, date and name, and below it a line
      Given an indexed repository about failing requests, tables and colours
      When the command "foundry search pipelines/sample 'where is the retry logic' --limit 2" is run with a loaded model
      Then the command exits with 0
      And standard output has the form
        """
        1  0\.\d{3}  commit  2023-11-14  [0-9a-f]{12}  Repeat a request that has failed, with growing pauses
           billing/client\.py
        2  0\.\d{3}  file    2023-11-14  billing/client\.py:6
           def send_with_attempts\(request, send, attempts=5\):
        """

    Scenario: A program reads JSON
      Given an indexed repository about failing requests, tables and colours
      When the command "foundry search pipelines/sample 'where is the retry logic' --limit 2 --json" is run with a loaded model
      Then the command exits with 0
      And standard output is JSON with the fields
        | answer | fields                                           |
        | 1      | rank, score, kind, hash, subject, date, context  |
        | 2      | rank, score, kind, path, line, date, context     |

    Scenario Outline: With <options>, <count> answers are given, all of them <kind>
      Given an indexed repository about failing requests, tables and colours
      When the command "foundry search pipelines/sample colours --json <options>" is run with a loaded model
      Then <count> answers are printed, and all are <kind>

      Examples:
        | options                  | count | kind             |
        | --limit 4                | 4     | commits or files |
        | --kind commits           | 3     | commits          |
        | --kind files             | 3     | files            |
        | --kind files --limit 1   | 1     | files            |

    Scenario Outline: The index is found from <place>
      Given an indexed repository about failing requests, tables and colours
      And a run in its pipeline
      When the command "foundry search <place> colours --json --limit 1" is run with a loaded model
      Then 1 answers are printed, and all are commits or files

      Examples:
        | place                          |
        | pipelines/sample               |
        | pipelines/sample/index         |
        | pipelines/sample/runs/sample-1 |

    Scenario: What a repository brings along cannot speak to the terminal
      Given an indexed repository whose subject, path and code clear the screen
      When the command "foundry search pipelines/sample colours" is run with a loaded model
      Then the command exits with 0
      And no control character is printed

    Scenario: Help shows an example
      When each of these commands is run
        | command               |
        | foundry search --help |
      Then each shows how it is used, with an example

  @REQ-SEARCH-03
  Rule: A question that cannot be answered is refused in one line

    Scenario Outline: Where <what>, one line says so
      Given an indexed repository about failing requests, tables and colours
      And this obstacle: <what>
      When the command "foundry search <arguments>" is run with a loaded model
      Then the command exits with <code>
      And standard error is one line with
        | text      |
        | <message> |

      Examples:
        | what                              | arguments                          | code | message                                           |
        | there is no such folder           | nowhere colours                    | 2    | nowhere: no such folder; name a pipeline          |
        | a folder without an index         | empty colours                      | 2    | empty: nothing is indexed there; `foundry pipeline` |
        | the question is empty             | pipelines/sample ' '               | 2    | QUESTION: is empty; say in words                  |
        | the index is empty                | pipelines/sample colours           | 2    | holds neither commits nor files                   |
        | the model is gone                 | pipelines/sample colours           | 2    | embed.model: nothing at                           |
        | the model is another one          | pipelines/sample colours           | 2    | is not what the index was made with               |
        | the description is damaged        | pipelines/sample colours           | 2    | index.json: cannot be read                        |
        | the vectors are gone              | pipelines/sample colours           | 1    | the collection texts is gone; embed again         |
        | the server is down                | pipelines/sample colours           | 1    | does not answer                                   |
        | the limit is 0                    | pipelines/sample colours --limit 0 | 2    | Invalid value for '--limit'                       |

    Scenario: Where the vectors are gone, nothing is put in their place
      Given an indexed repository about failing requests, tables and colours
      And this obstacle: the vectors are gone
      When the command "foundry search pipelines/sample colours" is run with a loaded model
      Then the command exits with 1
      And there is no folder pipelines/sample/index/qdrant

    Scenario: A question waits while another one is answered
      Given an indexed repository about failing requests, tables and colours
      When another process has the index open for 2 seconds, and "foundry search pipelines/sample colours --json --limit 3" is run with a loaded model
      Then 3 answers are printed, and all are commits or files

    Scenario: While another process has the index open, one line says so
      Given an indexed repository about failing requests, tables and colours
      When another process has the index open, and "foundry search pipelines/sample colours" is run with a loaded model
      Then the command exits with 1
      And standard error is one line with
        | text                            |
        | another process uses this index |
