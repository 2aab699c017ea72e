@allure.label.epic:Evaluation @critical
Feature: How often the code that a model writes does what it should
  A text that looks like code and parses may still be wrong. Small functions with tests that the model has not seen say
  how often it is right, and what goes wrong where it is not.

  @REQ-PASSING-01
  Rule: pass@k is the chance that one of k samples is right

    Scenario Outline: Of <n> samples with <c> right, <k> hold a right one with a chance of <chance>
      When pass@<k> of <n> samples with <c> right is estimated
      Then the chance is <chance>

      Examples:
        | n   | c   | k   | chance             |
        | 1   | 0   | 1   | 0                  |
        | 1   | 1   | 1   | 1                  |
        | 2   | 1   | 1   | 0.5                |
        | 2   | 1   | 2   | 1                  |
        | 4   | 1   | 2   | 0.5                |
        | 5   | 2   | 2   | 0.7                |
        | 10  | 3   | 1   | 0.3                |
        | 10  | 0   | 10  | 0                  |
        | 10  | 8   | 3   | 1                  |
        | 200 | 1   | 100 | 0.5                |
        | 200 | 2   | 100 | 0.7512562814070352 |

    Scenario: It is what counting all choices of samples gives, for any numbers
      When pass@k is compared with counted choices, for any numbers up to 1000 samples
      Then they differ by at most 1e-12

    Scenario Outline: <what> is refused
      When pass@<k> of <n> samples with <c> right is estimated
      Then the estimate is refused with "<message>"

      Examples:
        | what                          | n | c  | k | message                                          |
        | more right samples than all   | 2 | 3  | 1 | right samples (3) must be between 0 and all samples (2) |
        | fewer than no right samples   | 2 | -1 | 1 | right samples (-1) must be between 0 and all samples (2) |
        | a k above the samples         | 2 | 1  | 3 | k (3) must be between 1 and all samples (2)      |
        | a k of 0                      | 2 | 1  | 0 | k (0) must be between 1 and all samples (2)      |

  @REQ-PASSING-02
  Rule: Of what a model writes, the function's own lines are judged

    Scenario Outline: The function ends <where>
      When a model continues a function with
        """
        <written>
        """
      Then the function's own lines are
        """
        <kept>
        """

      Examples:
        | where                                     | written                                                     | kept                                    |
        | with the text                             | ....return 1                                                | ....return 1                            |
        | before another function                   | ....return 1\n\ndef other():\n....return 2                  | ....return 1                            |
        | before a decorator                        | ....return 1\n@cache\ndef other(): pass                     | ....return 1                            |
        | before a call in the first column         | ....x = 1\n....return x\nprint(f(1))                        | ....x = 1\n....return x                 |
        | before a comment in the first column      | ....return 1\n# next                                        | ....return 1                            |
        | after blank lines between its own         | ....x = 1\n\n\n....return x\n\nclass A:                     | ....x = 1\n\n\n....return x             |
        | after a bracket in the first column       | ....return [\n........1,\n]\nx = 2                          | ....return [\n........1,\n]             |
        | after a text of several lines             | ....return """a\nb\n"""\nx = 2                              | ....return """a\nb\n"""                 |
        | after a text in other quotes              | ....return '''a\n"""b\n'''\nx = 2                           | ....return '''a\n"""b\n'''              |
        | at once, where the model begins elsewhere | def other():\n....return 2                                  |                                         |

  @REQ-PASSING-03
  Rule: The built-in functions tell right from wrong

    Scenario: Every function's own solution passes, and its examples are true
      When its solution is tried as every built-in function
      Then all 24 functions pass
      And every example in their docstrings is true

    Scenario Outline: <body> passes nowhere
      When <body> is tried as every built-in function
      Then all 24 functions fail

      Examples:
        | body                                              |
        | an empty body                                     |
        | a body that returns None                          |
        | a body that returns its first argument            |
        | a body that knows the examples shown, and no more |
        | a plausible mistake                               |

  @REQ-PASSING-04
  Rule: Each attempt is counted under what became of it

    Scenario: Attempts of every kind
      When a model that writes these is tried on the first function, with a sample of each
        | written                                        | outcome       |
        | return sum(number ** 2 for number in numbers)  | passed        |
        | return sum(numbers)                            | wrong answer  |
        | return numbers[0] / 0                          | exception     |
        | return undefined                               | exception     |
        | return (                                       | syntax error  |
        | while True: pass                               | timeout       |
        | return [0] * 10 ** 15                          | out of memory |
        | return open("/etc/passwd").read()              | forbidden act |
        | import os; os._exit(0)                         | no answer     |
      Then each attempt has its outcome
      And 1 attempt counts as right
      And the counts of outcomes are
        | outcome       | attempts |
        | passed        | 1        |
        | wrong answer  | 1        |
        | exception     | 2        |
        | syntax error  | 1        |
        | timeout       | 1        |
        | out of memory | 1        |
        | forbidden act | 1        |
        | no answer     | 1        |

    Scenario: A model that is right in every second sample
      When a model that is right every 2nd time is tried on 3 functions, with 4 samples each
      Then its results are pass@1 0.5, pass@2 0.8333333333333334, pass@3 1 and pass@4 1
      And each of its 12 texts was asked for with a seed of its own

    Scenario: A model that solves some functions and not others
      When a model that solves the first 1 of 4 functions is tried on these, with 2 samples each
      Then its results are pass@1 0.25 and pass@2 0.25

  @REQ-PASSING-05
  Rule: Equal models have equal results

    Scenario: The result is the same each time, and of a function whatever the number of others
      When a model that is right every 2nd time is tried on 3 functions, twice, and on 2
      Then both results on 3 functions are the same JSON
      And the result on 2 functions is the beginning of it

    Scenario: Without functions there is a result, and no pass@1
      When a model that is right every 2nd time is tried on 0 functions, with 2 samples each
      Then the result holds no pass@k and no functions
