@allure.label.epic:Acceptance
@critical
Feature: Failures are sorted by their cause, and each says how to look into it
  Forty red scenarios are often one mistake. Whoever mends it wants to see that, and to rerun one of them.

  @REQ-FAILURES-01
  Rule: What has one cause is one group

    Scenario: The failures of a run are grouped by cause
      When the sample suite was run twice, and its bundle is opened
      Then its failures are grouped as
        | cause                                                   | scenarios                                |
        | Hook or clean-up: OSError at environment.py:*           | The library does not open                |
        | Hook or clean-up: OSError at environment.py:*           | The books are dry                        |
        | IndexError at steps/library_steps.py:*                  | A book is lent from no shelf             |
        | No step definition: When a book comes back              | A book that nobody thought of comes back |
        | Promise not kept: AssertionError at steps/library_steps.py:* | A lent book is not on the shelf     |
        | Worker process ended by SIGKILL                         | The lights go out                        |

    Scenario Outline: Two failures that differ in <field> are in <number> groups
      Given two scenarios that failed with "assertion" at "steps/x.py:4" in "Then so" with "KeyError"
      When the second one had "<value>" as its <field>
      Then the number of groups is <number>

      Examples:
        | field     | value         | number |
        | message   | another       | 1      |
        | step      | Then else     | 1      |
        | where     | steps/x.py:5  | 2      |
        | exception | ValueError    | 2      |
        | kind      | exception     | 2      |

    Scenario: The largest group comes first
      Given two scenarios that failed with "assertion" at "steps/x.py:4" in "Then so" with "KeyError"
      When a third one ran into a time-out in "When it waits"
      Then the causes are, in this order
        | cause                                          |
        | Promise not kept: KeyError at steps/x.py:4     |
        | Time-out in: When it waits                     |

  @REQ-FAILURES-02
  Rule: Each failure names the one command that runs it again

    Scenario Outline: A scenario tagged <tags> is run again by: <command>
      Given two scenarios that failed with "assertion" at "steps/x.py:4" in "Then so" with "KeyError"
      When the second one stands at "<place>" and has the tags "<tags>"
      Then it is run again by: <command>

      Examples:
        | tags            | place                 | command                                                          |
        | critical        | features/x.feature:12 | foundry accept features/x.feature:12                             |
        | slow minor      | features/x.feature:12 | foundry accept features/x.feature:12 --tags=@slow                |
        | network slow    | features/x.feature:12 | foundry accept features/x.feature:12 '--tags=@slow and @network' |
        | gpu             | features/a b.feature:7 | foundry accept 'features/a b.feature:7'                         |

    Scenario Outline: A scenario tagged <tags> of a run with <options> is run again by: <command>
      Given two scenarios that failed with "assertion" at "steps/x.py:4" in "Then so" with "KeyError"
      And their run was asked for with <options>
      When the second one stands at "features/x.feature:12" and has the tags "<tags>"
      Then it is run again by: <command>

      Examples:
        | tags                 | options                                | command                                                                 |
        | contract critical    | --config=my.yaml --model=runs/my       | foundry accept features/x.feature:12 --config=my.yaml --model=runs/my   |
        | critical             | --config=my.yaml --device=cpu          | foundry accept features/x.feature:12                                    |
        | wandb_cloud          | --tags=@critical                       | foundry accept features/x.feature:12                                    |
        | wandb_cloud          | --tags=@wandb_cloud                    | foundry accept features/x.feature:12 --tags=@wandb_cloud                |

    Scenario: The command runs that scenario, and no other
      Given the first failure of the sample suite
      When its command is typed
      Then it fails again in the same way, and nothing else was run

  @REQ-FAILURES-03
  Rule: The terminal shows cause, message, command and workspace of each

    Scenario: A run ends with its failures by cause
      When the sample suite was run twice, and its bundle is opened
      Then the run had printed for "A book is lent from no shelf"
        """
        1 × IndexError at steps/library_steps.py:*
              IndexError: pop from empty list
          features/library/lending.feature:23  A book is lent from no shelf: IndexError: pop from empty list
              again: foundry accept features/library/lending.feature:23
              workspace: *
        """

    Scenario: Each failure is shown with its own workspace, and that is there
      When the sample suite was run twice, and its bundle is opened
      Then the workspaces that it names are there, and belong to
        | scenario                                 |
        | A book is lent from no shelf             |
        | A book that nobody thought of comes back |
        | A lent book is not on the shelf          |
        | The lights go out                        |
        | The library does not open                |

    Scenario: What a failure says cannot speak to the terminal
      Given a record in which a scenario failed with the message "\x1b[2Jgone\x07"
      When its failures are listed for the terminal
      Then no line holds a control character, and one holds "␛[2Jgone␇"
