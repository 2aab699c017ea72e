@allure.label.epic:Training
@critical
Feature: The same experiment gives the same weights
  A result that cannot be made again is no result. Only what belongs to the experiment may change the weights:
  not how often we look at them, not what is logged, not how many workers load the data.

  @REQ-REPRODUCE-01
  Rule: The seed decides

    Scenario: The same seed gives bit-identical weights
      Given a small experiment with
        | setting       | value |
        | model.dropout | 0.2   |
      And it has been trained elsewhere without interruption
      When it is launched
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

    Scenario: Another seed gives other weights
      Given a small experiment
      And it has been trained elsewhere without interruption
      And with the setting random_seed at 8
      When it is launched
      Then its final weights differ from the reference's

    Scenario: Another seed begins with other weights
      Given a small experiment with
        | setting                | value |
        | training.learning_rate | 1e-12 |
      And it has been trained elsewhere without interruption
      And with the setting random_seed at 8
      When it is launched
      Then its final weights differ from the reference's by more than 0.01

  @REQ-REPRODUCE-02
  Rule: Looking changes nothing

    Scenario Outline: <what> changes no trained weight
      Given a small experiment with
        | setting       | value |
        | model.dropout | 0.2   |
      And it has been trained elsewhere without interruption
      And with the setting <setting> at <value>
      When it is launched
      Then its final weights and optimizer state are bit-identical to the reference's

      Examples:
        | what                           | setting                      | value  |
        | Evaluating at every step       | training.evaluation_interval | 1      |
        | Evaluating only at the end     | training.evaluation_interval | 12     |
        | Checkpointing at other steps   | training.checkpoint_schedule | 3      |
        | Logging less                   | logging.log_interval         | 7      |
        | Logging every step to the file | logging.level                | DEBUG  |
        | Loading with three workers     | data.num_workers             | 3      |

  @REQ-REPRODUCE-03
  Rule: Experiments that differ in their weights never share a run folder

    Scenario Outline: A run of its own for another <setting>
      Given a small experiment
      When it is compared with the same experiment with <setting> at <value>
      Then the two have different run folders

      Examples:
        | setting                              | value      |
        | random_seed                          | 8          |
        | model.layers                         | 3          |
        | model.hidden_size                    | 64         |
        | model.dropout                        | 0.1        |
        | model.architecture                   | gpt2       |
        | model.key_value_heads                | 1          |
        | tokenizer.vocab_size                 | 321        |
        | data.batch_size                      | 5          |
        | data.max_sequence_length             | 33         |
        | data.validation_fraction             | 0.21       |
        | training.learning_rate               | 0.0030000001 |
        | training.train_steps                 | 13         |
        | training.gradient_accumulation_steps | 2          |
        | training.weight_decay                | 0.11       |
        | training.use_amp                     | true       |
        | training.early_stopping_patience     | 2          |

    Scenario Outline: The same run for another <setting>
      Given a small experiment
      When it is compared with the same experiment with <setting> at <value>
      Then the two have the same run folder

      Examples:
        | setting                      | value  |
        | logging.level                | ERROR  |
        | logging.log_interval         | 5      |
        | data.num_workers             | 2      |
        | training.checkpoint_schedule | 1      |
        | training.keep_checkpoints    | 1      |
        | artifacts.path               | other  |
        | generation.temperature       | 0.1    |

    Scenario: A document that changes makes another run
      Given a small experiment
      When it is compared with the same experiment after a document of its corpus has changed
      Then the two have different run folders
