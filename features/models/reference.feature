@allure.label.epic:Models
@blocker
Feature: Our decoder computes what a trusted implementation computes
  An error in attention or in the rotary embedding still trains, only worse, and nobody notices.
  So the same weights must give the same numbers as Llama in transformers.

  @REQ-MODELS-01
  Rule: With the same weights, logits and gradients equal those of transformers' Llama

    Scenario Outline: Logits equal Llama's with <name>
      Given a decoder with weights far from zero and
        | setting         | value    |
        | attention_heads | <heads>  |
        | key_value_heads | <groups> |
        | tie_embeddings  | <tied>   |
        | rope_theta      | <theta>  |
        | activation_function | <gate> |
      When it and Llama with its weights read the same tokens
      Then their logits differ by less than 1e-5

      Examples:
        | name                            | heads | groups | tied  | theta   | gate |
        | a key/value head for each query | 4     | 4      | false | 10000   | silu |
        | two queries to a key/value head | 4     | 2      | false | 10000   | silu |
        | one key/value head for all      | 4     | 1      | true  | 10000   | silu |
        | tied embeddings                 | 2     | 2      | true  | 10000   | silu |
        | another rotary base             | 4     | 2      | false | 50      | silu |
        | a gelu gate                     | 4     | 4      | false | 10000   | gelu |
        | a relu gate                     | 2     | 1      | true  | 1000000 | relu |

    Scenario: Positions that were given are used as Llama uses them
      Given a decoder with weights far from zero and
        | setting         | value |
        | key_value_heads | 2     |
      When it and Llama with its weights read the same tokens at positions with gaps
      Then their logits differ by less than 1e-5

    Scenario: Gradients equal Llama's
      Given a decoder with weights far from zero and
        | setting         | value |
        | attention_heads | 4     |
        | key_value_heads | 2     |
        | tie_embeddings  | true  |
      When it and Llama with its weights learn from the same tokens
      Then their losses and all their gradients differ by less than a millionth of the largest

    Scenario: Llama's weights become ours and stay the same
      Given a decoder with weights far from zero and
        | setting         | value |
        | key_value_heads | 2     |
      When its weights go to Llama and back into a fresh decoder
      Then the fresh decoder's weights are bit-identical

  @REQ-MODELS-02
  Rule: Reading with a cache, in pieces or behind padding, changes no logit

    Scenario Outline: <architecture> reads in pieces of <pieces> what it reads at once
      Given a <architecture> with weights far from zero
      When it reads 20 tokens with a cache, in pieces of <pieces>
      Then the logits differ from those of reading at once by less than 1e-5

      Examples:
        | architecture                | pieces            |
        | decoder                     | 12, 1, 1, 1, 1, 4 |
        | decoder                     | 1, 1, 18          |
        | decoder with shared heads   | 7, 1, 1, 11       |
        | gpt2                        | 12, 1, 1, 1, 1, 4 |

    Scenario Outline: <architecture> reads a row behind padding as it reads it alone
      Given a <architecture> with weights far from zero
      When it reads rows of 20, 13 and 1 tokens, padded on the left, and then 3 more tokens each
      Then each row's logits differ from those of the row alone by less than 1e-5

      Examples:
        | architecture              |
        | decoder                   |
        | decoder with shared heads |
        | gpt2                      |

    Scenario: More tokens than the model has positions are refused
      Given a decoder with weights far from zero
      When it reads 40 tokens
      Then it refuses because "0 cached and 40 new tokens exceed the room for 32"
