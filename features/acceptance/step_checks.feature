@allure.label.epic:Acceptance
@normal
Feature: Steps that cannot fail are found before they mislead
  A scenario that stays green with its promise broken is worse than none.

  @REQ-STEPS-01
  Rule: A step that checks nothing, or replaces the product, is an error

    Scenario Outline: <fault>
      Given the step module
        """
        import contextlib
        from behave import given, then, when
        from foundry import files

        def expect_nothing(value):
            return value

        def expect_truth(value):
            assert value

        <code>
        """
      When the step checks read it
      Then they find "<finding>"

      Examples: steps that mislead
        | fault                                   | code                                                                      | finding                                        |
        | a Then without an assertion             | @then("x")\ndef x(context):\n    context.value = 1                        | the step x checks nothing                      |
        | a Then that asserts a constant          | @then("x")\ndef x(context):\n    assert True                              | the step x checks nothing                      |
        | a Then whose helper checks nothing      | @then("x")\ndef x(context):\n    expect_nothing(context)                  | the step x checks nothing                      |
        | an empty step                           | @given("x")\ndef x(context):\n    pass                                    | the step x does nothing                        |
        | an error that is caught and forgotten   | @when("x")\ndef x(context):\n    try:\n        context.x()\n    except Exception:\n        context.y = 1 | catches every exception and looks at none |
        | an error that is suppressed             | @when("x")\ndef x(context):\n    with contextlib.suppress(Exception):\n        context.x() | suppresses Exception             |
        | a mock                                  | from unittest import mock                                                 | imports unittest.mock                          |
        | a part of the product that is replaced  | @given("x")\ndef x(context):\n    files.write_text = print                | replaces a part of files                       |

    Scenario Outline: Steps that can fail are left alone: <step>
      Given the step module
        """
        from behave import then

        def expect_truth(value):
            assert value

        <code>
        """
      When the step checks read it
      Then they find nothing

      Examples:
        | step        | code                                                       |
        | an assert   | @then("x")\ndef x(context):\n    assert context.x          |
        | a helper    | @then("x")\ndef x(context):\n    expect_truth(context.x)   |

  @REQ-STEPS-02
  Rule: Sentences and step definitions fit each other

    Scenario: A sentence without a definition, and a definition without a sentence, are listed
      When the step checks read the sample suite
      Then they exit with 1 and print only
        """
        features/library/lending.feature:50: no step definition has the sentence "When a book comes back"
        steps/library_steps.py:39: no feature uses the step "the power fails"
        steps/library_steps.py:44: no feature uses the step "the ground shakes"
        steps/library_steps.py:49: no feature uses the step "everybody leaves with {code:d}"
        steps/library_steps.py:54: no feature uses the step "a guard at the door"
        steps/library_steps.py:62: no feature uses the step "the librarian sleeps"
        steps/library_steps.py:68: no feature uses the step "the lock is tried"
        steps/library_steps.py:75: no feature uses the step ""{reader}" waits for "{other}""
        """
