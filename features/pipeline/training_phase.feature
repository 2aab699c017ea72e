# The phase that trains.
@allure.label.epic:Pipeline @critical
Feature: A pipeline trains its model through the one trainer
  The length follows from the tokens that there are, a killed pipeline loses no step,
  and a mistake in the experiment is found before the repository is read.

  @REQ-TRAIN-01
  Rule: The length is computed from the tokens, unless the user says it

    Scenario Outline: With <setting>, the run has the length that follows
      Given a history of 9 commits on 8 files
      And a pipeline that sets <setting>
      When it is tokenized and trained
      Then the run made as many steps as <length>
      And its warm-up is <warmup>

      Examples:
        | setting                                   | length                         | warmup                    |
        | analyze.target_tokens to 1500             | the computed number            | the computed number       |
        | experiment.training.train_steps to 9      | 9                              | the computed number       |
        | experiment.training.epochs to 1           | one epoch of the sequences     | the computed number       |
        | experiment.training.warmup_steps to 3     | the computed number            | 3                         |

  @REQ-TRAIN-02
  Rule: From scratch or from a pretrained model, it ends with a published model

    Scenario: A model with fresh weights learns
      Given a history of 9 commits on 8 files
      When it is tokenized and trained
      Then the results name run, steps, best step, best loss and published weights as the run has them
      And the best validation loss is at least 0.3 nats below ln(vocabulary)
      And run and published model stand in the pipeline's folder

    Scenario: A pretrained model in 4 bits is adapted
      Given a history of 9 commits on 8 files
      And an experiment that adapts a tiny pretrained llama
      When it is tokenized and trained
      Then the results name run, steps, best step, best loss and published weights as the run has them
      And the published model is an adapter

    Scenario: Killed and done again, it comes to the same results
      Given a history of 9 commits on 8 files
      When it is tokenized and trained, that is removed, and it is trained again with a kill at step 5
      Then both trainings have the same results
      And the second one went on after step 4

    Scenario: Done again, it makes no step and says the same
      Given a history of 9 commits on 8 files
      When it is tokenized and trained, and trained again
      Then both trainings have the same results
      And nothing below the pipeline's folder has changed

  @REQ-TRAIN-03
  Rule: A wrong experiment is found before anything runs

    Scenario: Each mistake is named at its place in the pipeline's file
      When a pipeline is checked with one of these changes at a time
        | change                                            | message                                                                                                                  |
        | experiment.training.learning_rat: 1               | rust.yaml: experiment.training.learning_rat: unknown key; did you mean learning_rate?                                    |
        | experiment.training.learning_rate: fast           | rust.yaml: experiment.training.learning_rate: must be a number, got fast                                                 |
        | experiment.modle: {}                              | rust.yaml: experiment.modle: unknown key; did you mean model?                                                            |
        | experiment.model.layers: 0                        | rust.yaml: experiment.model.layers: must be at least 1, got 0                                                            |
        | experiment.tokenizer.vocab_size: 3                | rust.yaml: experiment.tokenizer.vocab_size: must be at least 300, got 3                                                  |
        | experiment.experiment_name: x                     | rust.yaml: experiment.experiment_name: is decided by pipeline_name; remove it                                            |
        | experiment.data.max_sequence_length: 64           | rust.yaml: experiment.data.max_sequence_length: is decided by tokenize.sequence_length; remove it                        |
        | experiment.data.git: {}                           | rust.yaml: experiment.data.git: is decided by the repository that the pipeline is given; remove it                       |
        | experiment.training.output_dir: here              | rust.yaml: experiment.training.output_dir: is decided by output_dir; remove it                                           |
        | experiment.data: 3                                | rust.yaml: experiment.data: must be a section with keys                                                                  |
        | experiment.training: {epochs: 1, train_steps: 2}  | rust.yaml: experiment.training: needs exactly one of epochs and train_steps, found both; set one to null                 |
        | experiment.lora: {r: 8}                           | rust.yaml: experiment.lora adapts pretrained weights; name them in model.pretrained, or set lora to null                 |
        | tokenize.validation_fraction: 0; experiment.training.early_stopping_patience: 2 | rust.yaml: experiment.training.early_stopping_patience needs validation losses: set tokenize.validation_fraction above 0 |
      Then each pipeline is refused with exactly its message

    Scenario: A pipeline whose sequences are missing says which phase makes them
      Given a history of 9 commits on 8 files
      When it is trained without having been tokenized
      Then the phase is refused with "pipelines/sample/sequences/statistics.json: is missing; the phase tokenize makes it: run the pipeline from there"
