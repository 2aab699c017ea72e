# Each page is opened in the machine's own Chromium, without a window.
@allure.label.epic:Acceptance
@browser @normal
Feature: The pages that foundry writes show in a browser what they should, on a desk and on a phone
  A page that holds every byte may still show nothing. Whoever is sent a report opens it, and most often
  on a phone.

  @REQ-PAGES-01 @critical
  Rule: The report of an acceptance run shows what became of each scenario

    Scenario: It counts the scenarios of each status as the results do
      Given the page of an acceptance run
      When it is opened at its list of scenarios
      Then it counts the scenarios of each status as the results do

    Scenario: Its filters leave the scenarios of one status
      Given the page of an acceptance run
      When its list is filtered by each status in turn
      Then it lists each time the scenarios that have it in the results, and no other

    Scenario: A scenario that failed shows why, its steps, and what it left to look at
      Given the page of an acceptance run
      When its scenario "A lent book is not on the shelf" is opened
      Then the scenario is shown as failed for "AssertionError: 0 books are left, expected 1"
      And the steps of its results are shown
      And it shows beside its steps
        | attachment                                | content          |
        | Slip                                      | lent: Emma       |
        | Workspace, kept on the machine that ran it | a-lent-book      |
        | Output                                    | the reader is    |

    Scenario: A scenario that trained shows its run and the curve of its loss
      Given the page of an acceptance run
      When its scenario "A run shows its history" is opened
      Then it shows beside its steps
        | attachment             | content                     |
        | States of runs/watched | created           0  launched |
        | Loss of runs/watched   | picture of                  |

    Scenario: The document of the features leaves the scenarios of a status, too
      Given the page of the features
      When each of its filters is clicked in turn
      Then each leaves as many scenarios as it says and as the results have
      And its filter "Not kept" leaves "A lent book is not on the shelf" and not "A book on the shelf is lent"

  @REQ-PAGES-02
  Rule: A page works without the network, and can be read on a phone

    Scenario Outline: The page of <thing>
      Given the page of <thing>
      When it is opened on a desk and on a phone
      Then no script of it fails, and it asks nothing of the network
      And it can be read on both without scrolling sideways

      Examples:
        | thing             |
        | an acceptance run |
        | the features      |
        | the coverage      |
        | a measured module |
        | a run             |
        | an evaluation     |
        | a pipeline        |
        | a sweep           |

  @REQ-PAGES-03
  Rule: What is wrong with a page is seen in the browser

    Scenario Outline: A page <fault>
      Given a page with "<part>"
      When it is opened on a desk and on a phone
      Then it is found to be wrong on <screens>: "<problem>"

      Examples:
        | fault                          | part                                                         | screens | problem                                |
        | whose script fails             | <script>missing()</script>                                   | both    | missing is not defined                 |
        | that complains                 | <script>console.error("no data")</script>                    | both    | no data                                |
        | that loads from the network    | <img src="http://127.0.0.1:9/a.png">                         | both    | asks the network for http://127.0.0.1:9 |
        | that lacks a picture           | <img src="missing.png">                                      | both    | missing.png                            |
        | with a table that is too wide  | <table style="width: 700px"><tr><td>wide</td></tr></table>   | a phone | <table class=""> ends at               |
        | with small letters             | <p style="font-size: 6px">small</p>                          | both    | 6.0 px: small                          |
        | that is empty                  | <style>body { display: none }</style>                        | both    | it shows no more than ''               |

    Scenario: A page that was not made for phones
      Given a page that does not tell of its width
      When it is opened on a desk and on a phone
      Then it is found to be wrong on a phone: "laid out for 980 pixels on a screen of 390"
