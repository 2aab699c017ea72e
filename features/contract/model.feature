@allure.label.epic:Contract
@contract @critical
Feature: The model that a team signs does what the team demands
  A signature stands for figures that the team has chosen, in the section acceptance of its experiment. What it has
  not chosen is shown as skipped, never as kept.

  @REQ-CONTRACT-06
  Rule: What the model writes is decided by prompt, settings and seed

    Scenario: The same seed gives the same texts in every process
      Given the team's experiment
      When its model continues prompts in this process and in another, with the same seed
      Then the texts are the same

    Scenario: A prompt gives the same text by itself and among others
      Given the team's experiment
      When its model continues prompts together and one by one
      Then the texts are the same

    Scenario: Without chance the seed decides nothing
      Given the team's experiment
      When its model continues prompts with the likeliest tokens, with several seeds
      Then the texts are the same

  @REQ-CONTRACT-07
  Rule: The model reaches the team's thresholds

    Scenario Outline: The <figure> keeps <threshold>
      Given the team's experiment
      And a limit acceptance.<threshold>
      When its model is evaluated
      Then the <figure> is within acceptance.<threshold>

      Examples:
        | figure                    | threshold        |
        | share of good texts       | min_success_rate |
        | share of texts that parse | min_parse_rate   |
        | perplexity                | max_perplexity   |
        | share of passed tests     | min_pass_at_1    |

  @REQ-CONTRACT-08
  Rule: Memory stays within the team's limit

    Scenario Outline: <Act> takes no more memory than max_memory_mb
      Given the team's experiment
      And a limit acceptance.max_memory_mb
      When the memory of <act> is measured in a process of its own
      Then the memory is within acceptance.max_memory_mb

      Examples:
        | Act      | act      |
        | Training | training |
        | Writing  | writing  |
