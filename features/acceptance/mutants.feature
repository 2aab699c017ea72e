@allure.label.epic:Acceptance
@normal
Feature: Random mutants show what no scenario looks at
  Named faults are those that somebody thought of. Small random changes of the core find the lines about which
  nobody has promised anything, or whose promise nobody checks.

  @REQ-MUTANT-01
  Rule: A mutant is one small change of what the source does, and of nothing else

    Scenario Outline: <what>
      Given the source
        """
        <source>
        """
      When it is mutated
      Then its mutants are
        """
        <mutants>
        """

      Examples: what is changed
        | what                              | source                                | mutants                                                          |
        | an addition                       | x = a + b                             | x = a - b                                                        |
        | a product, in parentheses         | x = (a) * (b)                         | x = (a) // (b)                                                   |
        | an addition in place              | x += a                                | pass\nx -= a                                                     |
        | a boundary                        | x = a < b <= c                        | x = a <= b <= c\nx = a < b < c                                   |
        | an equality                       | x = a == b                            | x = a != b                                                       |
        | an identity                       | x = a is not b                        | x = a is b                                                       |
        | a membership                      | x = a not  in b                       | x = a in b                                                       |
        | a connector                       | x = a and b and c                     | x = a or b and c\nx = a and b or c                               |
        | a whole number                    | x = 3                                 | x = 4                                                            |
        | a broken number                   | x = 0.5                               | x = 1.5                                                          |
        | a truth value                     | x = f(True)                           | x = f(False)                                                     |
        | a sign                            | x = -a                                | x = (a)                                                          |
        | a negation                        | x = not a                             | x = (a)                                                          |
        | a condition                       | x = a if b else c                     | x = a if (not (b)) else c                                        |
        | a call                            | f(a)                                  | pass                                                             |
        | an attribute that is set          | a.x = b                               | pass                                                             |
        | an error that is raised           | raise OSError(3)                      | pass                                                             |
        | what is returned                  | def f(): return a                     | def f(): return None                                             |
        | what stands after wider letters   | x = "Übergröße", a + b                | x = "Übergröße", a - b                                           |

      Examples: what is left alone
        | what                              | source                                | mutants |
        | a docstring                       | "from 1 to 3"                         |         |
        | a message                         | x = f"{a + 1} tokens"                 |         |
        | texts that are joined             | x = "a" + b                           |         |
        | what the user is told             | print(a + 1)                          |         |
        | what the log is told              | self._logger.info(a, 3)               |         |
        | an annotation                     | x: Literal[3]                         |         |
        | a decorator                       | @cache(3)\nclass A: y: int            |         |
        | an assertion                      | assert a < 3                          |         |
        | exports                           | __all__ = ["a", 1]                    |         |
        | what only type checkers read      | if TYPE_CHECKING: x = 3               |         |
        | what only a program does          | if __name__ == "__main__": x = 3      |         |
        | a function that returns nothing   | def f(): return None                  |         |

  @REQ-MUTANT-02
  Rule: Mutants that no scenario notices are listed with their line

    Scenario: Survivors are told with the source line and what was changed in it
      When the mutants of the sample product are tried
      Then the trial tells of the survivors
        | line | source             | mutation       |
        | 13   | if days <= 0:      | `1` for `0`    |
        | 15   | return 20 * days   | `//` for `*`   |
        | 15   | return 20 * days   | `21` for `20`  |
        | 21   | while books > 0:   | `>=` for `>`   |
      And the trial says "15 of 19 mutants are killed (79%), seed 0"

    Scenario: A mutant that is known to change nothing is not counted
      When the mutants of the sample product are tried
      Then line 13 with "`<` for `<=`" is equivalent: "0 days cost 0 cents either way"

    Scenario: A mutant that never ends is killed
      When the mutants of the sample product are tried
      Then line 22 with "without `books -= 30`" is killed: "it did not end within"

    Scenario: Every equivalent mutant of Foundry is still there
      When the list of its equivalent mutants is read
      Then each of them is exactly one mutant of today's source

  @REQ-MUTANT-03
  Rule: A sample is drawn over all modules, and the same seed draws the same

    Scenario: A sample takes a mutant of each module before the second of one
      When a sample of the mutants of Foundry's core is drawn with the seed 7, twice
      Then both are the same
      And its beginning has one mutant of each module

    Scenario: Another seed draws another sample
      When samples of the mutants of Foundry's core are drawn with the seeds 7 and 8
      Then they differ

  @REQ-MUTANT-04
  Rule: The scenarios that run the changed line come first, the fastest before the slower ones, then the others of their features

    Scenario Outline: A change of line <line> of <module>
      Given kept scenarios, and the lines that they run
        | scenario                   | seconds | runs                        |
        | features/data/a.feature:1  | 3.0     | foundry/data/blocks.py:1    |
        | features/data/a.feature:5  | 0.5     | foundry/data/blocks.py:1    |
        | features/pipe/b.feature:2  | 1.0     | foundry/data/blocks.py:1    |
        | features/pipe/b.feature:9  | 70.0    | foundry/data/blocks.py:1    |
        | features/pipe/c.feature:3  | 0.1     | foundry/data/packing.py:4   |
        | features/data/a.feature:7  | 0.2     | foundry/data/split.py:1     |
        | features/pipe/c.feature:4  | 80.0    | foundry/data/packing.py:6   |
      When the scenarios are chosen for line <line> of "<module>"
      Then they are "<chosen>"

      Examples:
        | module                  | line | chosen                                                                           |
        | foundry/data/blocks.py  | 1    | features/data/a.feature:5 features/pipe/b.feature:2 features/data/a.feature:1 features/data/a.feature:7 |
        | foundry/data/packing.py | 4    | features/pipe/c.feature:3                                                        |
        | foundry/data/packing.py | 6    | features/pipe/c.feature:4 features/pipe/c.feature:3                              |
        | foundry/data/packing.py | 5    |                                                                                  |

    Scenario: Where nothing was measured, the scenarios about the module's capability are chosen
      Given kept scenarios
        | scenario                   | seconds |
        | features/data/a.feature:1  | 3.0     |
        | features/pipe/b.feature:2  | 1.0     |
        | features/data/a.feature:5  | 0.5     |
      When the scenarios are chosen for line 5 of "foundry/data/blocks.py"
      Then they are "features/data/a.feature:5 features/data/a.feature:1"
