@allure.label.epic:Fine-tuning
@critical
Feature: Documents share a block without seeing each other
  Short documents fill blocks together, so that no computation is wasted on padding;
  where it is asked for, each is read as if it stood alone.

  @REQ-PACKING-01
  Rule: A document's predictions are those that it has alone

    Scenario Outline: <model> with <attention> attention keeps two documents of a block apart when asked to
      Given a model of class <model> with <attention> attention, in training
      When it reads a block of two documents, together and apart, with one first document and with another
      Then apart, the second document's logits are those that it has alone
      And apart, the first document changes no logit of the second, and together it does
      And apart, the loss of the second document gives no gradient to a token of the first

      Examples:
        | model      | attention |
        | decoder    | own       |
        | llama      | sdpa      |
        | llama      | eager     |
        | starcoder2 | sdpa      |
        | starcoder2 | eager     |
        | qwen2      | sdpa      |
        | qwen2      | eager     |
        | gpt2       | sdpa      |
        | gpt2       | eager     |

    Scenario Outline: The first loss of a run with <model> is that of its documents one by one
      Given a small experiment with
        | setting                      | value   |
        | data.attend_across_documents | false   |
        | data.max_sequence_length     | 64      |
        | model.architecture           | <model> |
      And a corpus of many short documents
      When it is launched
      Then its first loss is the mean over the tokens of its first batch, each document by itself

      Examples:
        | model   |
        | decoder |
        | gpt2    |

    Scenario Outline: <model>, which sees across documents whatever it is told, is refused
      Given a small experiment with
        | setting                      | value   |
        | data.attend_across_documents | false   |
        | model.architecture           | <model> |
      When it is launched
      Then the launch is refused with "data.attend_across_documents false does not work with <class>: its tokens see the documents before their own; set it to true, or choose another architecture, such as decoder or llama"

      Examples:
        | model | class            |
        | bloom | BloomForCausalLM |
        | opt   | OPTForCausalLM   |

  @REQ-PACKING-02
  Rule: Positions restart at each document, and nothing predicts its first token

    Scenario: A document that is cut by a block's end goes on in the next block as a document of its own
      Given the lines of text in blocks of 6
        | text |
        | #%&  |
        | @@@  |
        | ~    |
      And the setting data.attend_across_documents is false
      When the examples are prepared
      Then its tokens are, one by one
        | token        | position | counts |
        | #            | 0        | no     |
        | %            | 1        | yes    |
        | &            | 2        | yes    |
        | <\|im_end\|> | 3        | yes    |
        | @            | 0        | no     |
        | @            | 1        | yes    |
        | @            | 0        | yes    |
        | <\|im_end\|> | 1        | yes    |
        | ~            | 0        | no     |
        | <\|im_end\|> | 1        | yes    |
        | <\|pad\|>    | 2        | no     |
        | <\|pad\|>    | 3        | no     |
      And its statistics count 6 targets

    Scenario: Where documents see each other every token counts, and positions are those of the block
      Given the lines of text in blocks of 6
        | text |
        | #%&  |
        | ~    |
      When the examples are prepared
      Then its tokens are, one by one
        | token        | position | counts |
        | #            |          | yes    |
        | %            |          | yes    |
        | &            |          | yes    |
        | <\|im_end\|> |          | yes    |
        | ~            |          | yes    |
        | <\|im_end\|> |          | yes    |
      And its statistics count 5 targets
