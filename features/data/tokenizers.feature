@allure.label.epic:Data @critical
Feature: Text becomes tokens and comes back
  Boundaries between documents are tokens of their own, which no text can imitate.

  @REQ-DATA-06
  Rule: The special tokens are in the vocabulary, and padding is not the end of a text

    Scenario Outline: A <type> tokenizer has four special tokens of their own
      Given a <type> tokenizer
      Then end of text, padding, file and commit are four different numbers below its vocabulary size
      And a prompt with all four of them has these numbers, and no text when decoded

      Examples:
        | type                                         |
        | bpe                                          |
        | sentencepiece                                |
        | pretrained without special tokens            |
        | pretrained with padding equal to end of text |
        | pretrained whole-word                        |

    Scenario Outline: Text that looks like a special token is text to a <type> tokenizer
      Given a <type> tokenizer
      When the text "a <|file|> b <|endoftext|><|pad|> c <|commit|>" is encoded
      Then none of its tokens is special
      And it decodes to the same text

      Examples:
        | type                                         |
        | bpe                                          |
        | sentencepiece                                |
        | pretrained without special tokens            |
        | pretrained with padding equal to end of text |

    Scenario: A vocabulary of whole words has an entry for the marker, and still takes its text for text
      Given a pretrained whole-word tokenizer
      When the text "a <|file|> b <|endoftext|>" is encoded
      Then none of its tokens is special

  @REQ-DATA-07
  Rule: Any text comes back exactly

    Scenario Outline: Any text goes through a <type> tokenizer and back
      Given a <type> tokenizer
      Then any text decodes to itself after it was encoded

      Examples:
        | type          |
        | bpe           |
        | sentencepiece |

    Scenario Outline: A saved <type> tokenizer loads back as it was
      Given a <type> tokenizer
      When it is saved and loaded
      Then both give the same tokens and numbers

      Examples:
        | type                                         |
        | bpe                                          |
        | sentencepiece                                |
        | pretrained with padding equal to end of text |
