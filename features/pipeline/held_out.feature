# What a model of a repository is judged by.
@allure.label.epic:Pipeline @blocker
Feature: A model is judged by commits that are newer than all that it was taught
  A model that has seen tomorrow's code predicts it well and writes it badly,
  so what validates must have taught nothing, and the rule must be one that can be checked.

  @REQ-TOKENIZE-07
  Rule: The newest commits validate

    Scenario Outline: A share of <fraction> of the bytes keeps the newest <commits> of 10 equal commits
      Given a history of 10 commits that each change a file of their own by as much
      And a pipeline that sets tokenize.validation_fraction to <fraction>
      When the history is tokenized
      Then the newest <commits> commits validate, and the others train

      Examples:
        | fraction | commits |
        | 0        | 0       |
        | 0.01     | 1       |
        | 0.1      | 1       |
        | 0.25     | 3       |
        | 0.5      | 5       |
        | 0.99     | 9       |

    Scenario: A commit that is dated before those that lead to it is not older than they
      Given a history of these commits, with a word of text each
        | hash | author | time    | files |
        | aa   | Ada    | 1000    | a.py  |
        | bb   | Ada    | 4000    | b.py  |
        | cc   | Ada    | 5000    | c.py  |
        | dd   | Ada    | 2000    | d.py  |
      And a pipeline that sets tokenize.validation_fraction to 0.3
      When the history is tokenized
      Then the commits aa and bb train, and cc and dd validate
      And the files a.py and b.py train, and c.py and d.py validate

    Scenario Outline: Of 20 equal commits, number <number> is dated <year>, which moves no other
      Given a history of 20 commits that each change a file of their own by as much
      And the commit <number> of them is dated <year>
      When the history is tokenized
      Then all commits but <newest> train, and so do their files; these validate
      And tokenizing notes nothing about the share that validates

      Examples:
        | number | year | newest    |
        | 1      | 2093 | 19 and 20 |
        | 3      | 2093 | 19 and 20 |
        | 18     | 2093 | 19 and 20 |
        | 20     | 2093 | 19 and 20 |
        | 1      | 1970 | 19 and 20 |
        | 3      | 1970 | 19 and 20 |
        | 18     | 1970 | 19 and 20 |

    Scenario: Wrong clocks on several machines move no commit but their own
      Given a history of 20 commits that each change a file of their own by as much
      And the commit 3 of them is dated 2093
      And the commit 4 of them is dated 2093
      And the commit 9 of them is dated 2060
      When the history is tokenized
      Then all commits but 19 and 20 train, and so do their files; these validate

    Scenario: Where far more validates than was asked for, the user is told
      Given a history of 4 commits that each change a file of their own by as much
      And a pipeline that sets tokenize.validation_fraction to 0.1
      When the history is tokenized
      Then tokenizing notes "validation holds 25% of the text, and tokenize.validation_fraction asks for 10%"

  @REQ-TOKENIZE-08
  Rule: No text is on both sides

    Scenario: A file stands on the side of all its text, and on none where it has text of both
      Given a history of 6 commits after which the cutoff lies, then 3 more, in which
        | path           | text               |
        | old.py         | written before     |
        | new.py         | written after      |
        | changed.py     | changed after      |
        | moved.py       | renamed after      |
        | copied.py      | copied after       |
        | was_changed.py | changed before     |
      When the history is tokenized
      Then the files stand on these sides
        | path           | side       |
        | old.py         | training   |
        | was_changed.py | training   |
        | new.py         | validation |
        | changed.py     | none       |
        | moved.py       | none       |
        | copied.py      | none       |

    Scenario: A file whose last change is told by a wrong clock is as old as the latest of its changes
      Given a history of 6 commits after which the cutoff lies, then a change of 0.py, and one on another branch of 2093
      When the history is tokenized
      Then the files stand on these sides
        | path   | side       |
        | 0.py   | none       |
        | 1.py   | training   |
        | new.py | validation |

    Scenario: What a shallow history begins with may be old, so its files validate nothing
      Given a history of 6 commits after which the cutoff lies, then one at which another branch is cut off, and one of new text
      When the history is tokenized
      Then the files stand on these sides
        | path     | side       |
        | shelf.py | none       |
        | new.py   | validation |

    Scenario Outline: A commit after the cutoff that <does> is left out as "<reason>"
      Given a history of 6 commits after which the cutoff lies, then one that <does>, and one of new text
      When the history is tokenized
      Then the commit 7 is left out as "<reason>"
      And the other commit after the cutoff is all that validates of the commits

      Examples:
        | does                                       | reason                                                   |
        | makes a commit before it once more         | with the changes of an older commit                      |
        | takes a commit before it back              | after the cutoff with lines that train for the most part |
        | squashes two commits before it into one    | after the cutoff with lines that train for the most part |
        | moves old code into another file           | after the cutoff with lines that train for the most part |

    Scenario Outline: A commit of which <old> of 20 new lines are old ones <verdict>
      Given a history of 6 commits after which the cutoff lies, then one of 20 new lines of which <old> are old ones, and one of new text
      When the history is tokenized
      Then that commit <verdict>

      Examples:
        | old | verdict      |
        | 10  | validates    |
        | 11  | is left out  |

    Scenario Outline: In a random history of seed <seed>, no new line of a validating commit has trained
      Given a random history of 30 commits and two branches from seed <seed>, in which every line is another
      When the history is tokenized
      Then no line that was written after the cutoff stands on the training side
      And no line of a validating file was written before the cutoff
      And every line that was written stands on its side

      Examples:
        | seed |
        | 1    |
        | 2    |
        | 3    |
        | 4    |

    Scenario: The rule and the cutoff stand in the statistics
      Given a history of 10 commits that each change a file of their own by as much
      When the history is tokenized
      Then the statistics say the cutoff, the time of the ninth commit, and the rule in words
