@allure.label.epic:Generation
@blocker
Feature: A prompt is continued as the model and the rule demand
  Generation is where the user meets the model: the same question must get the same answer.

  @REQ-GENERATION-05
  Rule: Greedy generation is deterministic, and equals the plain calculation

    Scenario Outline: A <architecture> with <rule> writes the likeliest tokens
      Given a random <architecture>
      When it continues 3 prompts by 12 tokens with <rule>
      Then each text is the one that the plain calculation writes
      And the 3 texts differ

      Examples:
        | architecture              | rule                   |
        | decoder                   | temperature 0          |
        | decoder                   | top_k 1, temperature 2 |
        | decoder with shared heads | temperature 0          |
        | gpt2                      | temperature 0          |
        | gpt2                      | top_k 1                |

    Scenario: A top_k above the vocabulary means the whole vocabulary
      Given a random decoder
      When it continues a prompt with top_k 1000000 and with top_k 0
      Then both texts are the same

  @REQ-GENERATION-06
  Rule: The seed decides the text

    Scenario: The same seed gives the same text, another one another
      Given a random decoder
      When it continues a prompt with temperature 1 and the seeds 1, 1 and 2
      Then the first two texts are the same, and the third differs

    Scenario: Random numbers drawn elsewhere do not matter
      Given a random decoder
      When it continues a prompt twice while others draw random numbers
      Then both texts are the same

    Scenario: Samples of one prompt differ, and each can be had again
      Given a random decoder
      When it continues 2 prompts, 3 times each, with temperature 1
      Then there are 6 texts, by prompt and sample
      And the 3 texts of each prompt differ
      And fewer samples give the first of the same texts

  @REQ-GENERATION-07
  Rule: Temperature changes what is drawn

    Scenario: A low temperature writes what is likely, a high one what is not
      Given a random decoder
      When it continues a prompt 20 times with the temperatures 0.05, 1 and 2
      Then the likeliest first token is drawn the less often the higher the temperature

  @REQ-GENERATION-08
  Rule: An end-of-text token ends the text

    Scenario Outline: A <architecture> stops where it says end of text
      Given a random <architecture> that ends its text after 5 tokens
      When it continues the prompt by up to 12 tokens with temperature 0
      Then the text has 5 tokens and the finish reason is eos
      And the end-of-text token is not in it

      Examples:
        | architecture |
        | decoder      |
        | gpt2         |

    Scenario: Without one the text has as many tokens as were asked for
      Given a random decoder
      When it continues a prompt by 7 tokens with temperature 0
      Then the text has 7 tokens and the finish reason is length

    Scenario: Padding is never written
      Given a random decoder that would write padding as its third token
      When it continues a prompt by 7 tokens with temperature 0
      Then the text has 7 tokens and the finish reason is length
      And the padding token is not in it, and it is the likeliest other text

  @REQ-GENERATION-09
  Rule: A long prompt loses its beginning for the model, not for the reader

    Scenario Outline: A <architecture> sees the last 31 of 60 tokens
      Given a random <architecture> with a context of 32 tokens
      When it continues a prompt of 60 tokens 30 times, and others that differ in one token from it
      Then a change among the first 29 tokens changes no text
      And a change among the last 31 tokens changes some
      And every full text begins with its whole prompt

      Examples:
        | architecture |
        | decoder      |
        | gpt2         |

    Scenario Outline: A <architecture> writes on beyond its context <cache>
      Given a random <architecture> with a context of 32 tokens
      When it continues 3 prompts by 40 tokens <cache>
      Then each text is the one that the plain calculation writes

      Examples:
        | architecture | cache           |
        | decoder      | with a cache    |
        | decoder      | without a cache |
        | gpt2         | with a cache    |

  @REQ-GENERATION-10
  Rule: Neither the cache nor the company changes a text

    Scenario Outline: A <architecture> writes the same with and without cache, with <rule>
      Given a random <architecture>
      When it continues 3 prompts together and alone, with and without cache, with <rule>
      Then both give the same texts

      Examples:
        | architecture              | rule          |
        | decoder                   | temperature 0 |
        | decoder                   | temperature 1 |
        | decoder with shared heads | temperature 1 |
        | gpt2                      | temperature 0 |
        | gpt2                      | temperature 1 |
        | openai-gpt                | temperature 0 |
        | mamba                     | temperature 0 |

    Scenario Outline: A <architecture> gives a prompt alone and in a batch the same text, with <rule>
      Given a random <architecture>
      When it continues prompts of 1 to 40 tokens in one batch, and each alone, with <rule>
      Then both give the same texts

      Examples:
        | architecture              | rule                             |
        | decoder                   | temperature 0                    |
        | decoder                   | temperature 1                    |
        | decoder with shared heads | temperature 1.3, top_p 0.95      |
        | gpt2                      | temperature 0                    |
        | gpt2                      | temperature 0.8, top_k 50        |

    Scenario Outline: In a batch of a <architecture> one text ends and the others go on
      Given a random <architecture> that ends its text after 5 tokens
      When it continues that prompt among others in one batch, and each alone, with temperature 0
      Then both give the same texts
      And the first text has ended, and at least one has gone on

      Examples:
        | architecture |
        | decoder      |
        | gpt2         |

  @REQ-GENERATION-11
  Rule: Text streams as it is written, whole characters only

    Scenario: What was streamed is the text
      Given a random decoder
      When it continues 3 prompts by 30 tokens with temperature 1, and streams
      Then the streamed pieces of each put together are its text
      And the pieces came one by one

    Scenario Outline: "<text>" streams character by character
      Given the text "<text>" in tokens of single bytes
      When its tokens come one by one
      Then the pieces are the characters of the text

      Examples:
        | text               |
        | naïve              |
        | 日本語             |
        | 🎉 done 🎉         |
        | mixed ascii, ñ, €, 𝕏 |

    Scenario: Bytes that never become a character are shown when it is certain
      Given the text "ab€" in tokens of single bytes, without the last byte
      When its tokens come one by one
      Then the pieces are "a", "b" and a replacement character at the end

  @REQ-GENERATION-12
  Rule: A generation tells all about itself

    Scenario: The result is plain values
      Given a random decoder
      When it continues a prompt by 7 tokens with temperature 0
      Then it becomes JSON and back, with prompt, text, full_text, tokens, finish_reason, prompt_tokens, sample, seed and seconds

  @REQ-GENERATION-13
  Rule: A request that cannot be met is refused before work is spent

    Scenario Outline: <fault> is refused
      Given a random decoder
      When it is asked for <fault>
      Then generation is refused because "<reason>"

      Examples:
        | fault             | reason                                                          |
        | an empty prompt   | the prompt is empty: give at least one character, or <\|endoftext\|> to begin a new text |
        | no prompt         | there is no prompt: give at least one                           |
        | 0 new tokens      | max_new_tokens 0: must be at least 1                            |
        | 0 samples         | num_samples 0: must be at least 1                               |
        | damaged weights   | the model's highest logit is nan                                |
