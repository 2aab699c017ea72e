@allure.label.epic:Evaluation @critical
Feature: A pipeline asks its model for the languages that its repository is written in
  A model of a Rust crate that cannot write Python has not failed. What it is asked must come from what it has seen,
  without anybody saying so.

  @REQ-BEHAVE-15
  Rule: Without a choice, the prompts are the shipped ones of the main languages

    Scenario: At most two languages, each with a tenth of the code that prompts are shipped for
      When the prompts are chosen for these repositories
        | languages                                    | prompts         |
        | rust: 900, toml: 50, markdown: 5000          | rust            |
        | python: 500, javascript: 400, css: 9000      | python, javascript |
        | go: 300, c: 300, java: 500                   | java, c         |
        | python: 950, c: 50                           | python          |
        | python: 900, c: 100                          | python, c       |
        | kotlin: 900                                  |                 |
      Then each repository gets the prompts of its row

    Scenario: The manifest says what the evaluation says
      When a tiny pipeline has gone through all phases but the index
      Then the manifest's figures are these of evaluation/evaluation.json, and no other
        | figure            | place                                |
        | prompts           | summary, prompts                     |
        | samples           | summary, samples                     |
        | success_rate      | summary, success_rate                |
        | parse_rate        | summary, parse_rate                  |
        | complete_functions | summary, complete_functions         |
        | success_by_language.python | languages, python, success_rate |
        | base              | base, name                           |
        | base_success_rate | base, summary, success_rate          |
        | perplexity        | held_out, perplexity                 |
        | bits_per_byte     | held_out, bits_per_byte              |
        | pass_at_1         | problems, pass_at, 1                 |
      And they follow evaluation/evaluation.json where each of its figures is another one

    Scenario Outline: A pipeline <state> is not evaluated, and says why
      When a pipeline <state> is to be evaluated
      Then it is told "<message>"

      Examples:
        | state                                | message                                                                                   |
        | without a trained model              | there is no trained model; the phase train makes it: run the pipeline from there          |
        | of a repository in kotlin            | the repository is in none of these languages; name a file in evaluate.prompts             |
        | whose file of prompts is gone        | gone.yaml: no such file; name one, or a shipped language                                  |
