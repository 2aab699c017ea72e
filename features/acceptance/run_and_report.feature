@allure.label.epic:Acceptance
@critical
Feature: An acceptance run checks every promise, and its report shows what became of each
  Whoever releases on a green run relies on it: what did not run, or broke the suite itself, must never look
  like success. And a product owner reads the report, not the code.

  @REQ-ACCEPT-01
  Rule: One promise that is not kept makes the run fail

    Scenario: A run with scenarios that fail exits with 1 and sums up
      When the sample suite is run
      Then it exits with 1
      And it prints the lines
        """
        4 passed, 4 failed, 1 skipped
          1 × takes minutes: runs when it is selected with --tags=@slow
        """

    Scenario: A run whose scenarios all pass exits with 0
      When the sample suite is run with "features/library/lending.feature:7 --tags=@minor"
      Then it exits with 0
      And it prints the lines
        """
        2 passed, 0 failed, 0 skipped
        """

    Scenario: A run during which a process dies exits with 1
      When the sample suite is run with "disasters"
      Then it exits with 1
      And it prints the lines
        """
          disasters/fire.feature:6  The lights go out: its worker process was ended by SIGKILL
        1 passed, 2 failed, 0 skipped
        """

    Scenario: An error in a hook outside the scenarios is told
      When the sample suite is run with "disasters"
      Then it exits with 1
      And it prints the lines
        """
        disasters/audit.feature:2: HOOK-ERROR in after_feature: OSError: a sum is wrong
        disasters/flood.feature:2: HOOK-ERROR in before_feature: OSError: the pump has failed
        """
      And the page lists the errors
        | error                                                            |
        | HOOK-ERROR in after_feature: OSError: a sum is wrong             |
        | HOOK-ERROR in before_feature: OSError: the pump has failed       |

    Scenario: A run whose report cannot be drawn exits with 1 and leaves no older report in its place
      When the sample suite is run with "features/training_runs" on a machine whose Node crashes
      Then it exits with 1
      And it prints the lines
        """
        1 passed, 0 failed, 0 skipped
        Allure made no report: Node has crashed
        """
      And there is no report

  @REQ-ACCEPT-02
  Rule: A run that checks nothing does not succeed

    Scenario: A selection that leaves no scenario is refused
      When the sample suite is run with "--tags=@gpu"
      Then it exits with 2
      And it prints only a line that begins with
        """
        no scenario is selected: --tags='@gpu' leaves none of 9 in features; their tags are
        """

    Scenario: A selection of which nothing can run on this machine exits with 2
      When the sample suite is run with "features/archive"
      Then it exits with 2
      And it prints the lines
        """
        0 passed, 0 failed, 1 skipped
        nothing was checked: no selected scenario can run on this machine
        """

  @REQ-ACCEPT-03
  Rule: Tags are a closed list

    Scenario: A misspelt tag is refused
      When the sample suite is run after "@minor" was misspelt as "@mirror"
      Then it exits with 2
      And it prints only a line that begins with
        """
        features/archive/complete.feature:5: unknown tag @mirror; known are:
        """

    Scenario Outline: A selection with a misspelt tag is refused: <selection>
      When the sample suite is run with "--tags='<selection>'"
      Then it exits with 2
      And it prints only a line that begins with
        """
        --tags: unknown tag @<misspelt>; known are:
        """

      Examples:
        | selection                         | misspelt  |
        | not @sloww                        | sloww     |
        | @minor or (@critical and @netwrk) | netwrk    |
        | not minr                          | minr      |

    Scenario: A selection may name tags by a pattern
      When the sample suite is run with "features/library/lending.feature:7 --tags='@min* and not @REQ-LEND-0?'"
      Then it exits with 2
      And it prints only a line that begins with
        """
        no scenario is selected: --tags='@min* and not @REQ-LEND-0?' leaves none of
        """

  @REQ-ACCEPT-04
  Rule: A workspace is left only where it helps to find the reason

    Scenario: Only the workspaces of scenarios that were not kept are left
      When the sample suite is run
      Then the workspaces that are left belong to
        | scenario                                 |
        | A book is lent from no shelf             |
        | A book that nobody thought of comes back |
        | A lent book is not on the shelf          |
        | The library does not open                |

  @REQ-REPORT-01
  Rule: Every selected scenario is reported, and nothing else

    Scenario: Each outcome is reported with its reason
      When the sample suite is run
      Then the results are
        | scenario                                 | status  | reason                                                       |
        | A book on the shelf is lent              | passed  |                                                              |
        | A lent book is not on the shelf          | failed  | AssertionError: 0 books are left, expected 1                 |
        | A book is lent from no shelf             | broken  | IndexError: pop from empty list                              |
        | The library does not open                | broken  | HOOK-ERROR in before_scenario: OSError: the key is lost      |
        | A small book is lent                     | passed  |                                                              |
        | A big book is lent                       | passed  |                                                              |
        | A book that nobody thought of comes back | broken  | You can implement step definitions                           |
        | Every book ever printed is there         | skipped | takes minutes: runs when it is selected with --tags=@slow    |
        | A run shows its history                  | passed  |                                                              |

    Scenario: Scenarios that were kept from running are reported, too
      When the sample suite is run with "disasters"
      Then the results are
        | scenario                 | status | reason                                                     |
        | The lights go out        | broken | its worker process was ended by SIGKILL                    |
        | The books are dry        | broken | HOOK-ERROR in before_feature: OSError: the pump has failed |
        | The empty shelf is empty | passed |                                                            |

    Scenario: Scenarios that were not selected leave no trace
      When the sample suite is run with "features/library/lending.feature:7 --tags=@minor"
      Then the results are
        | scenario             | status | reason |
        | A small book is lent | passed |        |
        | A big book is lent   | passed |        |
      And the steps reported of "A small book is lent" are
        | step                   |
        | Given a shelf          |
        | When a book is lent    |
        | Then 0 books are left  |

  @REQ-REPORT-02
  Rule: A scenario is found at its place

    Scenario Outline: <scenario>: under its epic, feature and rule, as <severity>
      When the sample suite is run
      Then "<scenario>" is reported with
        | label    | value      |
        | epic     | <epic>     |
        | feature  | <feature>  |
        | story    | <rule>     |
        | severity | <severity> |

      Examples:
        | scenario                                 | epic           | feature           | rule                           | severity |
        | A book on the shelf is lent              | Public library | Books are lent    | A book is lent to one reader   | critical |
        | A small book is lent                     | Public library | Books are lent    | A book is lent to one reader   | minor    |
        | A book that nobody thought of comes back | Public library | Books are lent    | A book comes back              | minor    |
        | A run shows its history                  | Training runs  | A run is watched  |                                | normal   |

  @REQ-REPORT-03
  Rule: A scenario shows what it left to look at

    Scenario Outline: <scenario> shows: <attachment>
      When the sample suite is run
      Then "<scenario>" shows "<attachment>" with <content>

      Examples:
        | scenario                        | attachment             | content                                |
        | A book on the shelf is lent     | Slip                   | the text "lent: Emma"                  |
        | A lent book is not on the shelf | Output                 | the text "the reader is"               |
        | A run shows its history         | States of runs/watched | the text "created           0  launched" |
        | A run shows its history         | Loss of runs/watched   | a picture                              |

  @REQ-REPORT-04
  Rule: The report is one page that needs nothing else

    Scenario: The page holds every result and loads nothing from the network
      When the sample suite is run
      Then the page holds all 9 results
      And the page names nothing to load from elsewhere

    Scenario: The page says which versions and which machine the results stand for
      When the sample suite is run
      Then the page tells
        | about     |
        | Foundry   |
        | Commit    |
        | Date      |
        | Python    |
        | Processor |
        | Memory    |
        | GPU       |
        | torch     |
        | Selection |

    Scenario: The page sorts what is not kept into broken promises and errors of the suite
      When the sample suite is run
      Then the page has the categories
        | category       | results |
        | Promise broken | 1       |
        | Harness error  | 3       |
        | Not asked for  | 1       |
