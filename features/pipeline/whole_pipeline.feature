# All six phases, from one command.
@allure.label.epic:Pipeline @critical
Feature: One command leads from a repository to an evaluated model
  Nobody has to know the phases to get a model of a repository,
  and everything that was made on the way can be looked at, asked again and trusted.

  @REQ-PIPELINE-14
  Rule: Each phase finds what the one before has left

    Scenario: A tiny pipeline goes through all phases
      Given a tiny pipeline that went through all phases but the index
      When it is verified
      Then verifying exits with 0 and ends with "pipelines/sample: complete; every file is what the manifest says"
      And the model was trained as long as the real counts say, not the estimated ones
      And the page of the pipeline shows
        | text                  |
        | pipeline sample       |
        | complete              |
        | embed.enabled is false |
        | Training              |
        | best validation loss  |
        | What the model writes |

    Scenario: A repository with every oddity of real life becomes tokens
      Given a repository with every oddity as that of a tiny pipeline
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then the command has exited with 0
      And every commit of the repository is among the records and the analysis, once

    Scenario: A repository of one commit is learned from as a whole, where nothing is to be held out
      Given a tiny pipeline on a repository of 1 commits
      When the pipeline is launched with "--set tokenize.validation_fraction=0"
      Then the command has exited with 0
      And the manifest says complete, with all tokens to learn from and no perplexity

    Scenario Outline: The model of <place> is asked in the languages of the repository
      Given a tiny pipeline that went through all phases but the index
      When the model of <place> is evaluated without a choice of prompts
      Then it has continued prompts of python

      Examples:
        | place                   |
        | pipelines/sample        |
        | pipelines/sample/runs/* |

    Scenario: Launched again, it does nothing and loads no library for it
      Given a tiny pipeline that went through all phases but the index
      And the pipeline was launched with "--quiet"
      When it is launched again with its imports traced
      Then no phase was done, and these libraries were not imported: torch, transformers, tokenizers, qdrant_client, sentence_transformers, tree_sitter, detect_secrets, matplotlib

    Scenario: A page that was removed comes back as it was
      Given a tiny pipeline that went through all phases but the index
      And the output evaluation/evaluation.html is removed
      When the pipeline is launched with "--only evaluate"
      Then these phases were done: evaluate
      And the pipeline's files are what they were
      And evaluation/evaluation.html tells no time of its making
      And the manifest is the same but for the times

    Scenario: SIGTERM during training saves the step, and the next launch ends in the same manifest
      Given a tiny pipeline that went through all phases but the index
      And its training begins anew, and is sent SIGTERM before the weights are updated for the 4th time
      When the pipeline is launched with "--only analyze,scrape,tokenize,embed,train,evaluate"
      Then the launch before had ended with 143 after step 4, and the manifest said interrupted, as did its phase train
      And the manifest is the same but for the times

    @blocker
    Scenario: Killed while it trains and while it evaluates, it ends in the manifest of one that was left alone
      Given a tiny pipeline on a repository of 6 commits
      When the pipeline is killed at 5 instants of training and of evaluating, and launched again each time
      Then each time the manifest is that of a pipeline that was left alone, but for the times
      And each time nothing half-written is left

  @REQ-PIPELINE-15
  Rule: The file of a pipeline is told from those of experiments and sweeps

    Scenario: What is done without a file is what configs/pipeline.yaml says
      When the shipped pipelines are loaded
      Then the one without a file equals configs/pipeline.yaml, and configs/rust.yaml trains the same experiment on Rust

    Scenario Outline: foundry <verb>
      Given files of a pipeline, an experiment and a sweep
      When "foundry <verb>" is run on them
      Then it ends with exit code <code> and says "<message>"

      Examples:
        | verb                              | code | message                                                                                                          |
        | train pipe.yaml                   | 2    | pipe.yaml: describes a pipeline, not an experiment; `foundry pipeline --config pipe.yaml` carries it out         |
        | pipeline --config experiment.yaml | 2    | experiment.yaml: describes an experiment, not a pipeline; `foundry train experiment.yaml` carries it out         |
        | pipeline --config sweep.yaml      | 2    | sweep.yaml: describes a sweep, not a pipeline; `foundry sweep sweep.yaml` carries it out                         |
        | pipeline pipe.yaml                | 2    | pipe.yaml: is a file, not a repository; a configuration is named by --config pipe.yaml                           |
        | pipeline --config wrong.yaml      | 2    | wrong.yaml: analyse: unknown key; did you mean analyze?                                                          |
        | pipeline --config both.yaml       | 2    | both.yaml: experiment.training.learning_rate: must be above 0, got -1                                            |
        | validate pipe.yaml                | 0    | pipe.yaml: valid                                                                                                 |
