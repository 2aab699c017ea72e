# Phase 0: what a repository holds, in figures.
@allure.label.epic:Pipeline @critical
Feature: A repository is summed up before anything is read of it
  Whoever starts a pipeline sees at once how much there is, in which languages, and how long training would last,
  and nobody who wrote it is named.

  @REQ-PIPELINE-03
  Rule: Commits, branches and authors are counted once

    Scenario: A commit on several branches is one commit
      Given a sample repository with the branches
        | branch | after | commits | merges |
        | main   |       | 3       |        |
        | side   | main  | 2       |        |
        | main   |       | 1       | side   |
        | other  | side  | 1       |        |
      When it is analyzed
      Then the analysis says
        | figure      | value                              |
        | commits     | 7                                  |
        | merges      | 1                                  |
        | roots       | 1                                  |
        | branches    | {"main": 6, "other": 6, "side": 5} |
        | num_branches | 3                                 |
        | authors     | 1                                  |

    Scenario Outline: <kind> is counted like the repository itself
      Given a sample repository with the branches
        | branch | after | commits | merges |
        | main   |       | 3       |        |
        | side   | main  | 2       |        |
      And instead of it <kind>
      When it is analyzed
      Then the analysis says
        | figure   | value      |
        | commits  | 5          |
        | branches | <branches> |

      Examples:
        | kind            | branches                                |
        | a bare clone    | {"side": 5, "main": 3}                  |
        | a clone         | {"origin/side": 5, "main": 3}           |
        | a detached head | {"side": 5, "main": 3}                  |

    Scenario: A branch that is named after a person or a token is shown by another name
      Given a sample repository with the branches
        | branch                        | after | commits | merges |
        | main                          |       | 1       |        |
        | ada@example.org/try           | main  | 1       |        |
        | try/<npm token>               | main  | 1       |        |
      When the pipeline is launched with "--only analyze"
      Then nothing in the pipeline's folder holds
        | text            |
        | ada@example.org |
        | <npm token>     |

    Scenario: Authors are told apart by their addresses, and none is named
      Given a sample repository with commits by
        | author                      |
        | Grace <grace@example.org>   |
        | G. H. <GRACE@example.org>   |
        | Linus <linus@example.org>   |
        | Nobody <>                   |
      When the pipeline is launched with "--only analyze"
      Then the analysis counts 3 authors
      And nothing in the pipeline's folder holds
        | text    |
        | Grace   |
        | grace@  |
        | Linus   |

  @REQ-PIPELINE-04
  Rule: Times are what the commits say, however odd

    Scenario Outline: <dates>
      Given a sample repository with commits at <times>
      When it is analyzed
      Then the analysis says
        | figure            | value      |
        | first_commit_time | <first>    |
        | last_commit_time  | <last>     |
        | span_days         | <span>     |
        | commits_per_day   | <a day>    |
        | undated_commits   | <undated>  |
        | commits_by_month  | <by month> |
        | commits_by_day    | <by day>   |

      Examples:
        | dates                                | times                            | first      | last       | span     | a day | undated | by month                                       | by day |
        | Two days and a half count as three   | 1700000000 1700100000 1700216000 | 1700000000 | 1700216000 | 2.5      | 1.0   | 0       | {"2023-11": 3}                                 | {"2023-11-14": 1, "2023-11-15": 0, "2023-11-16": 1, "2023-11-17": 1} |
        | One commit is a day                  | 1700000000                       | 1700000000 | 1700000000 | 0.0      | 1.0   | 0       | {"2023-11": 1}                                 | {"2023-11-14": 1} |
        | Before 1970 and after 2038           | -86400 4102444800                | -86400     | 4102444800 | 47483.0  | 0.0   | 0       | {"1969-12": 1, "2100-01": 1}                   | {} |
        | Out of order                         | 1700100000 1700000000            | 1700000000 | 1700100000 | 1.16     | 1.0   | 0       | {"2023-11": 2}                                 | {"2023-11-14": 1, "2023-11-15": 0, "2023-11-16": 1} |
        | A date that cannot be is left out    | 1700000000 99999999999999 never  | 1700000000 | 1700000000 | 0.0      | 1.0   | 2       | {"2023-11": 1}                                 | {"2023-11-14": 1} |

  @REQ-PIPELINE-05
  Rule: Sizes lead to an estimate of the training

    Scenario: Languages are ordered by their bytes, and links and submodules are no files
      Given a sample repository with the files and their sizes
        | name             | bytes |
        | src/main.rs      | 300   |
        | src/lib.rs       | 100   |
        | tool.py          | 200   |
        | include/a.h      | 50    |
        | picture.png      | 900   |
        | Makefile         | 10    |
      When it is analyzed
      Then the analysis says
        | figure     | value                                                    |
        | files      | 6                                                        |
        | file_bytes | 1560                                                     |
        | languages  | {"rust": 400, "python": 200, "c": 50, "makefile": 10}    |
      And the languages are in that order

    Scenario: Tokens are estimated from the text that would be read, and the length from the tokens
      Given a sample repository with the files and their sizes
        | name             | bytes |
        | src/main.rs      | 30000 |
        | tool.py          | 600   |
        | vendor/copy.rs   | 50000 |
        | large.rs         | 90000 |
      And the settings
        | key                          | value      |
        | scrape.languages             | [rust]     |
        | scrape.exclude               | ["vendor/*"] |
        | scrape.max_file_bytes        | 60000      |
        | tokenize.validation_fraction | 0.5        |
        | analyze.max_steps            | null       |
        | analyze.target_tokens        | 50000      |
      When it is analyzed
      Then the text is 30000 bytes of files and the patches of 1 commit, a token for 3.4 bytes, half of them trained on
      And the estimated length follows from the formulas

    Scenario: A merge has no patch of its own
      Given a sample repository with the branches
        | branch | after | commits | merges |
        | main   |       | 2       |        |
        | side   | main  | 2       |        |
        | main   |       | 1       | side   |
      When it is analyzed
      Then the estimated patches are within 0 percent of the real ones

    Scenario: The patches of many commits are estimated from an even sample of them
      Given a sample repository with 1000 changes made at random
      When it is analyzed
      Then the estimated patches are within 15 percent of the real ones

  @REQ-PIPELINE-06
  Rule: A history that is not whole is stated, and nothing of the repository is run

    Scenario: A shallow clone holds what it holds
      Given a sample repository with the branches
        | branch | after | commits | merges |
        | main   |       | 5       |        |
      And instead of it a shallow clone of 2 commits
      When it is analyzed
      Then the analysis says
        | figure     | value |
        | commits    | 2     |
        | roots      | 0     |
        | is_shallow | true  |
      And the analysis notes "a shallow clone: only the commits that it holds are read"

    Scenario Outline: <kind> is stated, and not followed
      Given a sample repository with the branches
        | branch | after | commits | merges |
        | main   |       | 4       |        |
      And <kind> that cuts its history off
      When it is analyzed
      Then the analysis says
        | figure     | value |
        | commits    | 4     |
        | has_grafts | true  |
      And the analysis notes "grafts and replacement objects are not followed"

      Examples:
        | kind                 |
        | a graft              |
        | a replacement object |

    @blocker
    Scenario: Nothing that the repository brings along is run by the pipeline
      Given a sample repository that names programs for every occasion
      When the pipeline is launched with "--only analyze,scrape"
      Then the command has exited with 0
      And none of its programs was run
