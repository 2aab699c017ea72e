@allure.label.epic:Evaluation @critical
Feature: While a model is trained, one can watch it learn to write
  A falling loss does not say when a model begins to write code. Looking must cost nothing but time: the model that
  was watched is the one that would have come of it anyway.

  @REQ-BEHAVE-12 @blocker
  Rule: Watching changes nothing of what is trained

    Scenario Outline: A <model> that was watched is the one that was not
      Given a small experiment with
        | setting            | value          |
        | model.architecture | <architecture> |
        | model.dropout      | 0.2            |
      And it has been trained elsewhere without interruption
      And it is to be evaluated every 1 epochs
      When it is launched
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's
      And only the other run has no behaviour.jsonl

      Examples:
        | model   | architecture |
        | decoder | decoder      |
        | gpt2    | gpt2         |

    Scenario: An adapter that was watched is the one that was not
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting            | value |
        | model.quantization | nf4   |
        | lora.dropout       | 0.2   |
      And it has been trained elsewhere without interruption
      And it is to be evaluated every 1 epochs
      When it is launched
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

  @REQ-BEHAVE-13
  Rule: There is one evaluation after every so many epochs, and one at the end

    Scenario Outline: Every <every> epochs, in a run of <total>
      Given a small experiment with
        | setting               | value   |
        | training.train_steps  | null    |
        | training.epochs       | <total> |
        | data.batch_size       | 32      |
      And it is to be evaluated every <every> epochs
      When it is launched
      Then it was evaluated after the epochs <epochs>, and each time the model wrote 3 texts

      Examples:
        | every | total | epochs  |
        | 1     | 3     | 1, 2, 3 |
        | 2     | 5     | 2, 4, 5 |
        | 9     | 2     | 2       |

    Scenario: A run that was killed and launched again evaluates no step twice
      Given a small experiment with
        | setting                      | value |
        | training.train_steps         | 60    |
        | training.checkpoint_schedule | 5, 25 |
        | training.evaluation_interval | 60    |
      And it is to be evaluated every 1 epochs
      And it has been trained elsewhere without interruption
      And its launch was killed at step 45
      When it is launched again
      Then its evaluations are those of the uninterrupted run, times aside

  @REQ-BEHAVE-14
  Rule: What was found is shown with the run, and a mistake is found before it begins

    Scenario: The newest share of texts that succeed is among the facts, and the page draws all of them
      Given a small experiment
      And it is to be evaluated every 1 epochs
      And it has been trained
      When the command "foundry info {run} --html page.html" is run in this process
      Then standard output has, in this order
        | text               |
        | texts that succeed |
        | of 3 at step 12    |
      And the page page.html tells of the texts that the model wrote

    Scenario: A file of prompts that is not there ends the launch before there is a run
      Given a small experiment with
        | setting                 | value       |
        | evaluation.prompts      | [gone.yaml] |
        | evaluation.every_epochs | 1           |
      When it is launched
      Then the launch is refused with "gone.yaml: no such file"
      And no run folder was made
