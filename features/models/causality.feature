@allure.label.epic:Models
@blocker
Feature: A model never sees the future
  A model that peeks has a wonderful loss and generates nonsense.

  @REQ-MODELS-03
  Rule: Changing a token changes no logit before it

    Scenario Outline: <architecture> does not see the token after, <how>
      Given a <architecture> with weights far from zero
      When each token of a text is changed in turn, and read <how>
      Then no logit before the changed token differs
      And the logits from the changed token on differ

      Examples:
        | architecture              | how                      |
        | decoder                   | at once                  |
        | decoder                   | token by token, cached   |
        | decoder                   | in pieces of 5, cached   |
        | decoder with shared heads | at once                  |
        | decoder with shared heads | in pieces of 5, cached   |
        | gpt2                      | at once                  |
        | gpt2                      | token by token, cached   |
        | gpt2                      | in pieces of 5, cached   |
        | bert                      | at once                  |
        | bert                      | in pieces of 5, cached   |
