@allure.label.epic:Acceptance
@critical
Feature: A team puts its own experiment under acceptance
  A green report of foundry's own models says little about the model that a team has made. So the promises can be
  tried on the team's configuration, repository and model, and its demands decide.

  @REQ-OWN-01
  Rule: The team's experiment is tried, and its demands decide

    Scenario: Each demand gets its answer: kept, not kept, or not set
      Given a team's folder whose experiment demands
        | demand          | value        |
        | prompts         | prompts.yaml |
        | min_parse_rate  | 0.01         |
        | max_perplexity  | 1.5          |
        | max_memory_mb   | 20           |
      When the team runs "foundry accept --config my.yaml --model runs/RUN --tags=@contract --tags=@critical"
      Then it exits with 1, and these of all scenarios are not kept
        | scenario                                            | status  | message                                          |
        | The share of good texts keeps min_success_rate      | skipped | acceptance.min_success_rate is not set           |
        | The share of passed tests keeps min_pass_at_1       | skipped | acceptance.min_pass_at_1 is not set              |
        | The perplexity keeps max_perplexity                 | failed  | acceptance.max_perplexity is 1.5, and the model has |
        | Training takes no more memory than max_memory_mb    | failed  | acceptance.max_memory_mb is 20, and the model has |
        | Writing takes no more memory than max_memory_mb     | failed  | acceptance.max_memory_mb is 20, and the model has |
      And 4 are kept
      And nothing of the team's project and runs has changed

    Scenario: Without paths and tags the contract alone is tried
      Given a team's folder whose experiment demands
        | demand         | value |
        | max_perplexity | 300   |
      When the team runs "foundry accept --config my.yaml --shard 16/16"
      Then it exits with 0, and all that was tried is of the contract

    Scenario: A model that is named is looked at, and a demand that cannot be answered is not kept
      Given a team's folder whose experiment demands
        | demand           | value        |
        | prompts          | prompts.yaml |
        | min_parse_rate   | 0.01         |
        | max_perplexity   | 300          |
      When the team runs "behave -D config=my.yaml -D model=artifacts/RUN features/contract/model.feature"
      Then it exits with 1, and these of all scenarios are not kept
        | scenario                                            | status  | message                                           |
        | The share of good texts keeps min_success_rate      | skipped | acceptance.min_success_rate is not set            |
        | The share of passed tests keeps min_pass_at_1       | skipped | acceptance.min_pass_at_1 is not set               |
        | Training takes no more memory than max_memory_mb    | skipped | acceptance.max_memory_mb is not set               |
        | Writing takes no more memory than max_memory_mb     | skipped | acceptance.max_memory_mb is not set               |
        | The perplexity keeps max_perplexity                 | failed  | only a run folder says which texts were held out  |
      And 4 are kept
      And nothing of the team's project and runs has changed

    Scenario: A model that is damaged is not kept
      Given a team's folder whose experiment demands
        | demand           | value        |
        | max_perplexity   | 300          |
      And a byte of the team's published weights has flipped
      When the team runs "behave -D config=my.yaml -D model=artifacts/RUN -n itself features/contract"
      Then it exits with 1, and these of all scenarios are not kept
        | scenario                                                      | status | message                 |
        | A prompt gives the same text by itself and among others       | broken | the artifact is damaged |
      And 0 are kept

  @REQ-OWN-02
  Rule: A limit is kept when it is just reached, and not when it is just missed

    Scenario: Each limit at its edge
      When figures are held against limits
        | limit                 | figure  | answer                                                      |
        | min_success_rate: 0.5 | 0.5     | kept                                                        |
        | min_success_rate: 0.5 | 0.49999 | acceptance.min_success_rate is 0.5, and the model has 0.49999 |
        | min_parse_rate: 1     | 1       | kept                                                        |
        | min_parse_rate: 1     | 0.9999  | acceptance.min_parse_rate is 1, and the model has 0.9999    |
        | min_pass_at_1: 0.2    | 0.2     | kept                                                        |
        | min_pass_at_1: 0.2    | 0.1     | acceptance.min_pass_at_1 is 0.2, and the model has 0.1      |
        | max_perplexity: 20    | 20      | kept                                                        |
        | max_perplexity: 20    | 20.01   | acceptance.max_perplexity is 20, and the model has 20.01    |
        | max_perplexity: 20    | nan     | acceptance.max_perplexity is 20, and the model has nan      |
        | max_memory_mb: 2000   | 2000    | kept                                                        |
        | max_memory_mb: 2000   | 2000.5  | acceptance.max_memory_mb is 2000, and the model has 2,000.5 |
      Then each answer is as its row says

  @REQ-OWN-03
  Rule: What is scaled down is the length of training, not its kind

    Scenario Outline: <setting> at <team's> becomes <short>
      Given a team whose experiment has <setting> at <team's>
      When it is scaled down
      Then the short training has <setting> at <short>

      Examples: What changes
        | setting                          | team's           | short   |
        | training.train_steps             | 1000             | 6       |
        | training.warmup_steps            | 100              | 1       |
        | training.warmup_steps            | 0                | 0       |
        | training.evaluation_interval     | 200              | 2       |
        | training.early_stopping_patience | 2                | 6       |
        | training.early_stopping_patience | 9                | 9       |
        | training.checkpoint_schedule     | [100, 200]       | [3]     |
        | training.keep_checkpoints        | 1                | null    |
        | training.checkpoint_milestones   | [50]             | []      |
        | data.max_validation_blocks       | 500              | 16      |
        | data.max_validation_blocks       | 4                | 4       |
        | artifacts.store                  | wandb            | local   |
        | artifacts.keep_local_checkpoints | false            | true    |
        | logging.use_wandb                | true             | false   |
        | tokenizer.output_dir             | tokenizers       | null    |

      Examples: What stays
        | setting                              | team's     | short      |
        | random_seed                          | 5          | 5          |
        | data.batch_size                      | 3          | 3          |
        | data.max_sequence_length             | 33         | 33         |
        | data.attend_across_documents         | false      | false      |
        | data.num_workers                     | 2          | 2          |
        | tokenizer.vocab_size                 | 333        | 333        |
        | model.layers                         | 5          | 5          |
        | model.dropout                        | 0.3        | 0.3        |
        | training.learning_rate               | 0.0123     | 0.0123     |
        | training.learning_rate_schedule      | linear     | linear     |
        | training.use_amp                     | true       | true       |
        | training.gradient_accumulation_steps | 4          | 4          |
        | training.max_grad_norm               | null       | null       |
        | training.weight_decay                | 0.2        | 0.2        |
        | training.async_checkpoints           | false      | false      |
        | training.use_gradient_checkpointing  | true       | true       |
        | training.device                      | cpu        | cpu        |

    Scenario: Quantisation and adapter of a fine-tuning stay
      Given a team whose experiment is configs/smollm2-qlora.yaml
      When it is scaled down
      Then its sections model and lora are the team's

  @REQ-OWN-04
  Rule: What cannot be tried is refused in one line, before anything runs

    Scenario Outline: <mistake>
      Given a team's folder whose experiment demands
        | demand           | value        |
        | max_perplexity   | 300          |
      When the team runs "<command>"
      Then it exits with 2 and prints one line with "<line>"
      And nothing was tried

      Examples:
        | mistake                         | command                                                            | line                                                 |
        | An experiment that is not there | foundry accept --config your.yaml                                  | your.yaml: no such file                              |
        | An experiment that is invalid   | foundry accept --config broken.yaml                                | broken.yaml: model.layers: must be at least 1, got 0 |
        | Prompts that are not there      | foundry accept --config unprompted.yaml                            | elsewhere.yaml: no such file                         |
        | A repository that is not there  | foundry accept --config my.yaml --repository nowhere               | --repository: no folder at nowhere                   |
        | A repository that is none       | foundry accept --config my.yaml --repository runs                  | --repository: runs is not a git repository           |
        | A model that is none            | foundry accept --config my.yaml --model project                    | --model: project is neither a run nor an artifact    |
        | A model that is not there       | foundry accept --config my.yaml --model nowhere                    | --model: nowhere is not there                        |
        | A device that is not there      | foundry accept --config my.yaml --device cuda:99                   | device cuda:99: this machine has                     |
        | A model without an experiment   | foundry accept --model runs                                        | --model: goes with --config                          |
        | Nothing that would be tried     | foundry accept --config my.yaml features/models/parameters.feature | --config: none of the                                |
        | The same by Behave              | behave -D config=your.yaml features/contract                       | your.yaml: no such file                              |
