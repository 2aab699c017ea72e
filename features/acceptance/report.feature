@allure.label.epic:Acceptance
@critical
Feature: The report shows every scenario where it belongs, with what became of it
  A product owner reads the report, not the code: each promise is found under its feature and rule,
  with its outcome, the reason, and what it left to look at.

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

    Scenario: A scenario during which the process dies is reported, too
      When the sample suite is run with "disasters"
      Then the results are
        | scenario          | status | reason                                                |
        | The lights go out | broken | it did not run: a worker process was ended by SIGKILL |

    Scenario: Scenarios that were not selected leave no trace
      When the sample suite is run with "--tags=@minor and not @slow"
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
        | A book that nobody thought of comes back | Public library | Books are lent    | A book comes back              | normal   |
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
