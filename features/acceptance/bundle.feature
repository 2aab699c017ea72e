@allure.label.epic:Acceptance
@critical
Feature: One folder tells what was promised and whether it holds
  A release manager attaches it to a release, and a product owner, a build server and an auditor each find in it
  what they read.

  @REQ-BUNDLE-01
  Rule: The folder is whole, and shows that nothing in it was changed

    Scenario: The bundle holds all that was seen, and nothing else
      When the sample suite was run twice, and its bundle is opened
      Then it holds
        | file             |
        | acceptance.json  |
        | environment.json |
        | features.html    |
        | history.jsonl    |
        | junit.xml        |
        | report.html      |
        | SHA256SUMS       |
        | summary.md       |
      And nothing half-written lies beside it

    Scenario: The checksums are those of the files
      When the sample suite was run twice, and its bundle is opened
      Then sha256sum accepts it, and has looked at 7 files

    Scenario: An older bundle is replaced, and its history carried over
      When the sample suite was run twice, and its bundle is opened
      Then its history tells of 2 runs, and the newest is that of the record

    Scenario: A history is read again whatever a failure said
      Given a record in which a scenario failed with the message "one\u2028two\u0085three"
      When its history is written and read again
      Then it tells of that failure, word for word

    Scenario: A folder that is a link is replaced where it leads
      When a bundle is written twice over a link to a folder
      Then the link leads to the bundle, and nothing else is left

    Scenario Outline: <what> is not replaced by a bundle
      When acceptance is told to write its bundle over <what>
      Then it is refused with "<line>", and nothing there has changed

      Examples:
        | what                   | line                                                                                                                           |
        | a folder with a letter | --out out: holds 'letter.txt', which is no part of a bundle, and a bundle replaces the folder as a whole; name another folder |
        | a file                 | --out out: is a file; name a folder                                                                                            |

    Scenario: The bundle that a killed run had set aside is found again
      Given a run that was killed while its bundle took the place of the older one
      When the earlier runs are asked for
      Then there are 2 of them, and the older bundle stands in its place

  @REQ-BUNDLE-02
  Rule: The same inputs give the same content

    Scenario: A bundle made twice is the same to the byte, and its report holds the same data
      When the bundle of one run is made twice
      Then all files but the report are equal to the byte
      And the data of the two reports differ in no value

  @REQ-BUNDLE-03
  Rule: A build server reads each outcome from junit.xml

    Scenario: Failures, errors and skips are told apart, with their reasons
      When the sample suite was run twice, and its bundle is opened
      Then junit.xml has the cases
        | case                                     | outcome | message                                                   |
        | A book on the shelf is lent              | passed  |                                                           |
        | A lent book is not on the shelf          | failure | Then 1 books are left AssertionError: 0 books are left    |
        | A book is lent from no shelf             | error   | When a book is lent IndexError: pop from empty list       |
        | The library does not open                | error   | HOOK-ERROR in before_scenario: OSError: the key is lost   |
        | A small book is lent (Candide, 129)      | passed  |                                                           |
        | A big book is lent (Ulysses, 730)        | passed  |                                                           |
        | A book that nobody thought of comes back | error   | When a book comes back no step definition has             |
        | A run shows its history                  | passed  |                                                           |
        | Every book ever printed is there         | skipped | takes minutes: runs when it is selected with --tags=@slow |
        | The empty shelf is empty                 | passed  |                                                           |
        | The lights go out                        | error   | When the power fails its worker process was ended by      |
        | The books are dry                        | error   | HOOK-ERROR in before_feature: OSError: the pump has failed |
        | complaint                                | error   | disasters/flood.feature:2: HOOK-ERROR in before_feature   |
        | complaint                                | error   | disasters/audit.feature:2: HOOK-ERROR in after_feature    |
      And it is built as JUnit's schema wants it, and each count is that of its cases

    Scenario: Text that XML cannot hold does not break it
      Given a record in which a scenario failed with the message "\x1b[31mred\x00 & <b>bold</b>\ud800"
      When its junit.xml is written
      Then the case has the message "␛[31mred␀ & <b>bold</b>�"

  @REQ-BUNDLE-04
  Rule: A release page says what was promised, kept, broken and skipped

    Scenario: The summary counts by epic
      When the sample suite was run twice, and its bundle is opened
      Then the table "What was promised" of the summary is
        |                | Promised | Kept | Not kept | Skipped |
        | Archive        | 1        | 0    | 0        | 1       |
        | Disasters      | 3        | 1    | 2        | 0       |
        | Public library | 7        | 3    | 4        | 0       |
        | Training runs  | 1        | 1    | 0        | 0       |
        | **All**        | 12       | 5    | 6        | 1       |

    Scenario: The summary says what is broken, what was skipped, how to look again, and compares with the run before
      When the sample suite was run twice, and its bundle is opened
      Then the summary has the lines
        """
        **6 of 11 promises that were run are not kept.**
        ### 1 × Worker process ended by SIGKILL
          - again: `foundry accept disasters/fire.feature:6`
        | 1 | takes minutes: runs when it is selected with --tags=@slow |
        | Scenarios | 12 | 12 |
        ## Quality gate: shut
        - not kept: 6 of 12 scenarios
        foundry accept features disasters --workers 2
        """

    Scenario: The summary repeats a run with all that it was asked for
      Given a record of a run that measured coverage and planted faults
      When its summary is written
      Then the summary has the lines
        """
        foundry accept features disasters --workers 2 --coverage --planted-faults
        """

    Scenario: A fault that no scenario has noticed stands at the head of the summary
      Given a record of a run that measured coverage and planted faults
      When its summary is written
      Then the summary has the lines
        """
        **Planted faults that no scenario has noticed: 1 of 60: no-causal-mask.**
        """

    Scenario: A name full of markup stays one cell
      Given a record with the epic "A | *B* <i>"
      When its summary is written
      Then the table "What was promised" of the summary is
        |                       | Promised | Kept | Not kept | Skipped |
        | A \\| \*B\* \<i\>       | 12       | 5    | 6        | 1       |
        | **All**               | 12       | 5    | 6        | 1       |

  @REQ-BUNDLE-05
  Rule: All features are one document to read, each scenario with what became of it

    Scenario: Each scenario and each row of examples shows its status
      When the sample suite was run twice, and its bundle is opened
      Then features.html shows
        | scenario                                 | status  | rows          |
        | A book on the shelf is lent              | passed  |               |
        | A lent book is not on the shelf          | failed  |               |
        | A book is lent from no shelf             | broken  |               |
        | The library does not open                | broken  |               |
        | A size book is lent                      | passed  | passed passed |
        | A book that nobody thought of comes back | broken  |               |
        | A run shows its history                  | passed  |               |
        | Every book ever printed is there         | skipped |               |
        | The empty shelf is empty                 | passed  |               |
        | The lights go out                        | broken  |               |
        | The books are dry                        | broken  |               |
      And features.html loads nothing from elsewhere

    Scenario: What was not selected is shown as not run
      Given a record that does not tell of "A big book is lent"
      When its features are written as a page
      Then features.html shows of "A size book is lent" the status "not-run" and the rows "passed not-run"

    Scenario: What a feature says is shown as it was written, whatever signs it has
      Given a feature with the text "<script>alert(1)</script> & <b>\"bold\"</b>" in its names, cells and doc strings
      When its features are written as a page
      Then features.html shows that text 7 times and holds one script, its own

  @REQ-BUNDLE-06
  Rule: The report shows what came before, and who did what when

    Scenario: A scenario has its past, and the runs a trend
      When the sample suite was run twice, and its bundle is opened
      Then the report shows for "A lent book is not on the shelf" the earlier statuses "failed"
      And its trend has 2 runs, and nothing was made, dropped, mended or broken between them

    Scenario: Workers are the lanes of the timeline
      When the sample suite was run twice, and its bundle is opened
      Then the timeline of the report has the lanes "worker 1, worker 2"

  @REQ-BUNDLE-07
  Rule: A long text does not make the report unreadable

    Scenario: A text is cut in its middle, and says so
      When a scenario shows a text of 250,000 characters
      Then the report gets its first and last 50,000, and the note "150,000 of 250,000 characters are left out here"
