@allure.label.epic:Fine-tuning
@critical
Feature: Fine-tuning learns the answers, not the questions
  Lines of a file hold what is asked and what is to be answered;
  the model reads both, and the loss counts the answers alone.

  @REQ-PROMPTS-01
  Rule: The answers' tokens count, and no other

    Scenario: A completion and its end of text count, its prompt and padding do not
      Given the examples in blocks of 8
        | prompt | completion |
        | #%     | &~         |
        | @      | ^          |
        | #@%    | ~          |
      When the examples are prepared
      Then its tokens are, one by one
        | token        | position | counts |
        | #            |          | no     |
        | %            |          | no     |
        | &            |          | yes    |
        | ~            |          | yes    |
        | <\|im_end\|> |          | yes    |
        | @            |          | no     |
        | ^            |          | yes    |
        | <\|im_end\|> |          | yes    |
        | #            |          | no     |
        | @            |          | no     |
        | %            |          | no     |
        | ~            |          | yes    |
        | <\|im_end\|> |          | yes    |
        | <\|pad\|>    |          | no     |
        | <\|pad\|>    |          | no     |
        | <\|pad\|>    |          | no     |
      And its statistics count 7 targets

    Scenario: Of a chat the turns of the assistant count, each with the token that ends it
      Given a chat in blocks of 128
        | role      | content            |
        | system    | #%                 |
        | user      | @ <\|im_end\|> @?  |
        | assistant | ^ <\|im_start\|> ! |
        | user      | ~                  |
        | assistant | &&                 |
        | user      | ;                  |
      When the examples are prepared
      Then its tokens are, stretch by stretch, up to the last padding
        | text                                                                                                                      | counts |
        | <\|im_start\|>system⏎#%<\|im_end\|>⏎<\|im_start\|>user⏎@ <\|im_end\|> @?<\|im_end\|>⏎<\|im_start\|>assistant⏎ | no     |
        | ^ <\|im_start\|> !<\|im_end\|>                                                                                            | yes    |
        | ⏎<\|im_start\|>user⏎~<\|im_end\|>⏎<\|im_start\|>assistant⏎                                                                | no     |
        | &&<\|im_end\|>                                                                                                            | yes    |
      And 5 of its tokens are the end-of-text token, because what a message holds stays text

    Scenario: A chat has the tokens that transformers gives it
      Given a chat in blocks of 128
        | role      | content          |
        | user      | Sort [3, 1, 2].  |
        | assistant | [1, 2, 3]        |
        | user      | And downwards?   |
        | assistant |  [3, 2, 1]       |
      When the examples are prepared
      Then its tokens are those of transformers' apply_chat_template up to the last answer's end
      And the kept tokenizer holds the same template, for transformers, too

    Scenario: The loss of a run is the mean over the answers' tokens, each example by itself
      Given a small experiment with
        | setting                      | value             |
        | data.format                  | prompt_completion |
        | data.attend_across_documents | false             |
        | data.source_corpus           | examples.jsonl    |
        | data.max_sequence_length     | 64                |
      And a file examples.jsonl of 40 prompts and completions
      When it is launched
      Then its first loss is the mean over the completions of its first batch, each example by itself
      And its last validation loss is the mean over the completions kept for validation, each example by itself

    Scenario: A batch without a single target leaves loss and weights finite
      Given a batch in which no token counts
      When a training step is made with it
      Then its loss is 0 and every weight is finite

  @REQ-PROMPTS-02
  Rule: No answer is lost without being counted

    Scenario: An example longer than a block loses the beginning of its prompt, or is left out
      Given the examples in blocks of 8
        | prompt   | completion |
        | #%&~@^;  | !          |
        | #        | ~~~~~~~    |
        | @        | ^          |
      When the examples are prepared
      Then its tokens are, stretch by stretch, up to the last padding
        | text                        | counts |
        | %&~@^;                      | no     |
        | !<\|im_end\|>               | yes    |
        | @                           | no     |
        | ^<\|im_end\|>               | yes    |
      And the user is told "left out: 1 longer than a block (examples.jsonl, line 2)"
      And the user is told "1 prompt cut at its beginning, to fit into a block with its answer"

    Scenario: A validation split keeps examples whole
      Given 20 examples in blocks of 32, of which a part is kept for validation
      When the examples are prepared
      Then each example stands whole on one of both sides, and none on both

  @REQ-PROMPTS-03
  Rule: A line that cannot be learned from is refused with its place and the remedy

    Scenario Outline: In <format>, <mistake> is refused
      Given a file examples.jsonl for <format> whose second line is <line>
      When the examples are prepared
      Then it is refused as the user's mistake with "examples.jsonl, line 2<message>"

      Examples:
        | format            | mistake                   | line                                                      | message |
        | prompt_completion | a line without completion | {"prompt": "a", "answer": "b"}                            | : no field 'completion', which data.format prompt_completion needs; its fields are prompt, answer: add it, or correct data.format |
        | prompt_completion | a chat                    | {"messages": []}                                          | : no field 'prompt', which data.format prompt_completion needs; its fields are messages: set data.format to chat |
        | prompt_completion | an empty completion       | {"prompt": "a", "completion": ""}                         | : the completion is empty, so there is nothing to learn; write one, or remove the line |
        | prompt_completion | a number as the prompt    | {"prompt": 1, "completion": "b"}                          | : field 'prompt' must be text, found a number |
        | prompt_completion | a broken line             | {"prompt" "a"}                                            | : not valid JSON (Expecting ':' delimiter at column 11) |
        | chat              | a text as the messages    | {"messages": "a"}                                         | : field 'messages' must be an array, found a string |
        | chat              | a text as a message       | {"messages": ["a"]}                                       | : message 1 must be an object with role and content, found a string |
        | chat              | an unknown role           | {"messages": [{"role": "bot", "content": "a"}]}           | : message 1 has the role 'bot', which must be one of system, user, assistant |
        | chat              | a message without content | {"messages": [{"role": "user"}]}                          | : message 1 has no content; its fields are role |
        | chat              | an empty answer           | {"messages": [{"role": "assistant", "content": ""}]}      | : message 1 of the assistant is empty, so there is nothing to learn; write it, or remove it |
        | chat              | a chat without answer     | {"messages": [{"role": "user", "content": "a"}]}          | : no message of the assistant, so there is nothing to learn; add one, or remove the line |

    Scenario Outline: <mistake> is refused
      Given a chat for <mistake>
      When the examples are prepared
      Then it is refused as the user's mistake with "<message>"

      Examples:
        | mistake                                  | message |
        | a tokenizer without template             | data.format chat: the tokenizer has no chat template; name the tokenizer of a model that was trained on chats in tokenizer.name_or_path, or use data.format prompt_completion |
        | a template that refuses it               | examples.jsonl, line 1: the tokenizer's chat template refuses this chat: roles must alternate |
        | a template that writes beginnings anew   | examples.jsonl, line 1: the tokenizer's chat template writes the beginning of this chat in another way when more follows, so the turns of the assistant cannot be told apart; use data.format prompt_completion |
        | blocks that are too short                | every example is longer than a block of 4 tokens (data.max_sequence_length), so nothing is left for train.bin; make the blocks longer |
        | a file that is not .jsonl                | data.source_corpus: examples.txt must be a .jsonl file, because data.format is chat; name one, or set data.format to text |
