@allure.label.epic:Evaluation @critical
Feature: What a model is asked stands in files that anyone can read and write
  Whoever knows a code base knows what a model of it should be able to write. A prompt is a few lines of YAML, and a
  mistake in them is named before a model is loaded.

  @REQ-BEHAVE-01
  Rule: Prompts for six languages are shipped, and each is the beginning of a file that can be finished

    Scenario: There are enough prompts for each language, and their names tell them apart
      When the shipped prompts are loaded
      Then there are at least so many prompts
        | language   | prompts |
        | c          | 6       |
        | go         | 6       |
        | java       | 6       |
        | javascript | 6       |
        | python     | 12      |
        | rust       | 8       |
      And no two prompts of a language have the same name or the same text
      And every prompt is by itself a text of its language that was cut in the middle

  @REQ-BEHAVE-02
  Rule: Every mistake in files of prompts is one line with its file, its place and the rule

    Scenario Outline: A file with <mistake> is refused
      Given the file of prompts my.yaml
        """
        <content>
        """
      When the prompts of my.yaml are loaded
      Then the prompts are refused with "my.yaml: <message>"

      Examples:
        | mistake                | content                                                        | message                                                                                                    |
        | an unknown language    | {language: pyton, prompts: [{name: a, text: b}]}               | language: must be one of c, go, java, javascript, python, rust, got pyton; did you mean python?            |
        | no prompts             | {language: python, prompts: []}                                | prompts: must be 1 to 1,000 prompts, got []                                                                 |
        | an empty prompt        | {language: c, prompts: [{name: a, text: ""}]}                  | prompts[0].text: must not be empty, got ''                                                                 |
        | a missing name         | {language: c, prompts: [{text: b}]}                            | prompts[0].name: is missing, and has no default                                                            |
        | a doubled name         | {language: c, prompts: [{name: a, text: b}, {name: a, text: c}]} | prompts: must have names that differ; 'a' stands there twice, got a list                                   |
        | a wrong expression     | {language: c, prompts: [{name: a, text: b, expect: ["(("]}]}   | prompts[0].expect[0]: is no regular expression (missing ), unterminated subpattern at position 1), got ((  |
        | an unknown key         | {language: c, prompts: [{name: a, text: b, expects: [c]}]}     | prompts[0].expects: unknown key; did you mean expect?                                                      |
        | no length              | {language: c, prompts: [{name: a, text: b, max_new_tokens: 0}]} | prompts[0].max_new_tokens: must be at least 1, got 0                                                      |
        | no keys                | just text                                                      | must be a mapping of keys to values, got just text                                                         |

    Scenario: The mistakes of several files are named together
      Given the files
        | file   | text                                           |
        | a.yaml | {language: go, prompts: [{name: 1, text: ""}]} |
        | b.yaml | {language: ada, prompts: [{name: a, text: b}]} |
      When the prompts of a.yaml, b.yaml, c.yaml are loaded
      Then the prompts are refused with exactly
        """
        a.yaml: prompts[0].name: must be text, got 1; put it in quotes
        a.yaml: prompts[0].text: must not be empty, got ''
        b.yaml: language: must be one of c, go, java, javascript, python, rust, got ada
        c.yaml: no such file
        """
