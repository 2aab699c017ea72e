@allure.label.epic:Evaluation @critical
Feature: One command says what a model writes, how well it predicts, and what its training has changed
  A loss of 1.2 tells a product owner nothing. Texts side by side, with a count of those that are code, do; and figures
  that can be had again are figures that can be compared.

  @REQ-BEHAVE-08
  Rule: The same model, prompts and settings give the same evaluation

    Scenario: Every figure and every text comes again, whatever others draw meanwhile
      Given a small experiment
      And it has been trained
      When it is evaluated with the seed 3, and again after others have drawn random numbers
      Then both evaluations are equal to the last character
      And with the seed 4 its texts differ
      And with 3 texts for each prompt the first 2 are the same

    Scenario: A published model is evaluated as its run is
      Given a small experiment
      And it has been trained
      When the run and its published model are evaluated
      Then both have written the same texts, and so have their bases
      And only the run has a perplexity, and for the other it is said why

  @REQ-BEHAVE-09 @blocker
  Rule: The perplexity is that of the validation loss at the best step

    Scenario Outline: It is the exponential of the loss that training found, <kind>
      Given a small experiment with
        | setting | value |
        | <key>   | <value> |
      And it has been trained
      When it is evaluated
      Then its held-out loss is the best validation loss of the run, to the bit
      And its perplexity is the exponential of that, and that of single blocks averages to it

      Examples:
        | kind                                | key                          | value |
        | whatever else is set                | data.batch_size              | 3     |
        | on a part of the blocks             | data.max_validation_blocks   | 5     |
        | in mixed precision                  | training.use_amp             | true  |
        | with documents kept apart           | data.attend_across_documents | false |

    Scenario: Of an adapter on 4-bit weights it is the loss of training, not that of what writes
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting            | value |
        | model.quantization | nf4   |
      And it has been trained
      When it is evaluated
      Then its held-out loss is the best validation loss of the run, to the bit

    Scenario: Where the corpus is another by now, the perplexity is left out, and the rest is done
      Given a small experiment
      And it has been trained
      And a document of its corpus has changed, and the prepared data is gone
      When it is evaluated
      Then the perplexity is left out because "the corpus is no longer what the run was trained on"
      And there are 6 texts

  @REQ-BEHAVE-10 @blocker
  Rule: Beside each text stands that of the model before its training

    Scenario: A model that has learned nothing writes what its initial weights write
      Given a small experiment with
        | setting                | value  |
        | training.learning_rate | 1e-300 |
      And it has been trained
      When it is evaluated
      Then the model and its base, "its initial weights", have written the same texts

    Scenario: A model that has learned writes other texts than its initial weights
      Given a small experiment
      And it has been trained
      When it is evaluated
      Then the model and its base, "its initial weights", have written different texts

    Scenario Outline: The base of <kind> writes what the pretrained model writes
      Given a tiny pretrained llama and a small experiment that adapts it with
        | setting                | value  |
        | <key>                  | <value> |
        | training.learning_rate | 0.05   |
      And it has been trained
      When it is evaluated
      Then the model and its base, "base", have written different texts
      And the texts of the base are those that the pretrained model writes by itself

      Examples:
        | kind             | key  | value |
        | an adapter       | lora | {r: 4} |
        | a model that was trained whole | lora | null |

    Scenario: Any other model can be named, or none
      Given a small experiment
      And it has been trained
      When it is evaluated beside itself, and beside none
      Then beside itself the texts are twice the same
      And beside none there are no others

  @REQ-BEHAVE-11
  Rule: The report holds every figure and every text, and nothing that a text could do to its reader

    Scenario: What the page shows is what was found
      Given a small experiment
      And it has been trained
      And the file of prompts hostile.yaml
        """
        language: python
        prompts:
          - {name: "<script>alert(1)</script>", text: "x = '</pre><img src=http://example.org/a.png>'\n", expect: ["<b>"]}
        """
      When the command "foundry evaluate {run} --prompts hostile.yaml --problems 1 -o report" is run in this process
      Then the command exits with 0
      And the page report/evaluation.html loads nothing from elsewhere
      And the page shows the figures and the texts of report/evaluation.json, and each of them as text
      And report/evaluation.json holds no time, and report/timings.json does

    Scenario: A mistake is one line
      When each of these commands is run
        | command                                                | message                                                                                                       |
        | foundry evaluate nowhere --prompts python              | nowhere: no such folder; name a run, an artifact or a Hugging Face folder                                    |
        | foundry evaluate nowhere                               | nowhere: no such folder; name a run, a pipeline, an artifact or a Hugging Face folder                         |
        | foundry evaluate .                                     | --prompts: nothing says which language . writes; name a file, or a shipped language (c, go, java, javascript, python, rust) |
        | foundry evaluate nowhere --prompts cobol               | cobol: no such file                                                                                           |
        | foundry evaluate nowhere --prompts c --top-p 2         | top_p 2.0: must be above 0 and at most 1; leave it out for the whole vocabulary                               |
      Then each exits with its code and its message as the only line
