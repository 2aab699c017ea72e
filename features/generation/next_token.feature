@allure.label.epic:Generation
@blocker
Feature: The next token is chosen by the rule that the user gave
  A rule that is off by one, or ignored, still writes plausible text.

  @REQ-GENERATION-01
  Rule: Temperature 0 and top_k 1 take the likeliest token, ties to the lowest number

    Scenario Outline: <rule> is greedy
      Given the logits <logits>
      When 20 tokens are drawn with <rule>
      Then each of them is <token>

      Examples:
        | rule                       | logits               | token |
        | temperature 0              | 1, 3, 2, 0           | 1     |
        | temperature 0              | 1, 3, 2, 3, 3        | 1     |
        | top_k 1                    | 1, 3, 2, 3, 3        | 1     |
        | top_k 1, temperature 2     | 0.1, 0.1, 0.1        | 0     |
        | temperature 0, top_p 0.5   | -5, -4, -4           | 1     |
        | top_k 1, top_p 1           | -inf, -inf, 0.5      | 2     |

  @REQ-GENERATION-02
  Rule: Among all tokens, exactly those that the rule names may be drawn

    Scenario Outline: <rule> keeps <kept>
      Given the logits <logits>
      When 300 tokens are drawn with <rule>
      Then exactly the tokens <kept> are among them

      Examples:
        | rule                            | logits             | kept          |
        | top_k 2                         | 1, 3, 2, 0, 2.5    | 1, 4          |
        | top_k 3                         | 1, 3, 2, 0, 2.5    | 1, 2, 4       |
        | top_k 4                         | 1, 2, 1, 2, 1      | 0, 1, 2, 3    |
        | top_k 5                         | 1, 2, 1, 2, 1      | 0, 1, 2, 3, 4 |
        | top_k 100000                    | 1, 2, 1, 2, 1      | 0, 1, 2, 3, 4 |
        | top_k 0                         | 1, 2, 1, 2, 1      | 0, 1, 2, 3, 4 |
        | temperature 1                   | 1, 2, 1, 2, 1      | 0, 1, 2, 3, 4 |
        | top_p 0.0001                    | 0, 2, 1, 0         | 1             |
        | top_p 0.5                       | 1, 1, 1, 1         | 0, 1          |
        | top_p 0.51                      | 1, 1, 1, 1         | 0, 1, 2       |
        | top_p 1                         | 1, 2, 1, 2, 1      | 0, 1, 2, 3, 4 |
        | top_k 2, top_p 0.9              | 1, 1, 1, 1         | 0, 1          |
        | top_k 3, top_p 0.5              | 1, 1, 1, 1         | 0, 1          |
        | temperature 2                   | -inf, 0, 0, -inf   | 1, 2          |

  @REQ-GENERATION-03
  Rule: Tokens are drawn with the probabilities that the rule gives them

    Scenario Outline: Draws with <rule> have the published probabilities
      Given the logits 0, 1, 2, 0.5, -1, 1.5
      When 1500 tokens are drawn with <rule>
      Then their counts fit the probabilities of a plain calculation

      Examples:
        | rule                               |
        | temperature 1                      |
        | temperature 0.5                    |
        | temperature 2                      |
        | temperature 0.7, top_k 3           |
        | temperature 1.5, top_p 0.8         |
        | temperature 1.2, top_k 4, top_p 0.7 |

    Scenario: For any logits and any rule the candidates are those of a plain calculation
      When many random logits and rules are tried
      Then candidates and probabilities always equal those of a plain calculation

  @REQ-GENERATION-04
  Rule: A rule that means nothing is refused

    Scenario Outline: <rule> is refused
      When a rule is made with <rule>
      Then generation is refused because "<reason>"

      Examples:
        | rule             | reason                                              |
        | temperature -0.1 | temperature -0.1: must be between 0 (greedy) and 2  |
        | temperature 2.01 | temperature 2.01: must be between 0 (greedy) and 2  |
        | temperature nan  | temperature nan: must be between 0 (greedy) and 2   |
        | top_k -1         | top_k -1: must be 1 or more, or 0 for the whole vocabulary |
        | top_p 0          | top_p 0.0: must be above 0 and at most 1            |
        | top_p 1.5        | top_p 1.5: must be above 0 and at most 1            |
        | top_p nan        | top_p nan: must be above 0 and at most 1            |

    Scenario Outline: Logits with <logits> are refused under <rule>
      Given the logits <logits>
      When 1 tokens are drawn with <rule>
      Then generation is refused because "the model's highest logit is <highest>"

      Examples:
        | logits     | rule          | highest |
        | 1, nan, 2  | temperature 0 | nan     |
        | 1, nan, 2  | temperature 1 | nan     |
        | 1, inf, 2  | temperature 1 | inf     |
        | -inf, -inf | top_k 1       | -inf    |
