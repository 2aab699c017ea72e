@allure.label.epic:Evaluation @critical
Feature: A text succeeds only if it says something, does not run in circles, and parses
  Small models fall silent or repeat themselves. Both parse well, so a parser alone would praise them.

  @REQ-BEHAVE-06
  Rule: A text runs in circles if one sequence makes up more than half of it, or one line stands four times in a row

    Scenario: Circles of any length are found, and ordinary code is not blamed
      When it is looked for circles in these texts
        | text                                                                     | circles |
        | a b a b a b a b                                                          | a b     |
        | a b a b a b                                                              | no      |
        | x = x = x = x = y                                                        | x =     |
        | 5 times return self.value + 1;\n                                         | return self.value + 1; |
        | 3 times return self.value + 1;\n                                         | no      |
        | 8 times (                                                                | (       |
        | 7 times (                                                                | no      |
        | a b a b a b a b one two three four five six                              | a b     |
        | a b a b a b a b one two three four five six seven eight                  | no      |
        | 4 times pass\n                                                           | pass    |
        | a = 1\n\n3 times pass\nb = 2\n                                           | no      |
        | [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]                                   | no      |
        | if a:\n    return 1\nif b:\n    return 2\nif c:\n    return 3\nif d:\n    return 4\n | no |
      Then those with circles are found, and no others

    Scenario: What people have written does not run in circles
      When it is looked for circles in the code of this package
      Then none is found in more than 100 modules

  @REQ-BEHAVE-07
  Rule: The first thing that is wrong with a text is its failure

    Scenario: Each text has one judgement
      When a model has written these texts for "def f(a):\n    a += 1\n", and ended them itself
        | text                                | failure    |
        | \x20   return a\n                   | none       |
        | \x20\n\n                            | empty      |
        | \x20   a\n    a\n    a\n    a\n     | repetition |
        | \x20   return a a\n                 | syntax     |
      Then each has the failure of its row: 1 of 4 texts succeeds, and 2 of them parse
