@allure.label.epic:Command_line @normal
Feature: Two runs are compared, and what made them differ is named
  Two runs should be the same and are not, or should differ and one wants to know by how much.
  One command puts configuration, environment, data, metrics and outcome side by side.

  @REQ-DIFF-01
  Rule: Runs with the same results are called the same, whatever else differs

    Scenario: The same experiment in two places
      Given a small experiment
      And it has been trained elsewhere without interruption
      And with the setting logging.level at ERROR
      And it has been trained
      When the command "foundry diff {run} {reference}" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                             |
        | configuration                    |
        | training.output_dir              |
        | logging.level                    |
        | data: nothing differs            |
        | metrics: nothing differs         |
        | outcome: nothing differs         |
        | the results are the same         |
      And nothing is marked

    Scenario: A run that was killed and went on, against one that was left alone
      Given a small experiment
      And it has been trained elsewhere without interruption
      And its launch was killed at step 8
      And it has been trained
      When the command "foundry diff {run} {reference} --json" is run in this process
      Then the command exits with 0
      And the differences in metrics, data and outcome are
        | name | first | second |

    Scenario: Another environment is named, and does not matter by itself
      Given a small experiment
      And it has been trained elsewhere without interruption
      And it has been trained
      And its environment.json was written under torch 1.0
      When the command "foundry diff {run} {reference}" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                    |
        | environment             |
        | packages.torch          |
        | 1.0                     |
        | data: nothing differs   |
      And nothing is marked

  @REQ-DIFF-02 @critical
  Rule: What changes the weights or the metrics is marked, and shows in the exit code

    Scenario: Another learning rate shows in the configuration, and in the losses from the second step on
      Given a small experiment
      And it has been trained elsewhere without interruption
      And with the setting training.learning_rate at 0.002
      And it has been trained
      When the command "foundry diff {run} {reference}" is run in this process
      Then the command exits with 1
      And marked are, in this order
        | name                               |
        | training.learning_rate             |
        | loss, first at step 2              |
        | learning_rate, first at step 1     |
        | gradient_norm, first at step 2     |
        | validation_loss, first at step 3   |
        | final loss                         |
        | best validation loss               |
        | step-00000009/model.safetensors    |
        | step-00000009/optimizer.safetensors |
        | step-00000010/model.safetensors    |
        | step-00000010/optimizer.safetensors |
        | step-00000012/model.safetensors    |
        | step-00000012/optimizer.safetensors |
        | published weights                  |

    Scenario: A changed document shows in the data
      Given a small experiment
      And it has been trained elsewhere without interruption
      And a document of its corpus has changed
      And it has been trained
      When the command "foundry diff {run} {reference}" is run in this process
      Then the command exits with 1
      And among what is marked are
        | name                    |
        | bytes.training          |
        | files.train.bin.sha256  |
        | data digest             |

    Scenario: A run that has not come to its end is not the same as one that has
      Given a small experiment
      And it has been trained elsewhere without interruption
      And its launch was killed at step 8
      When the command "foundry diff {run} {reference}" is run in this process
      Then the command exits with 1
      And among what is marked are
        | name        |
        | steps done  |
        | best step   |

    Scenario: One bit of a trained weight, by the manifests
      Given a small experiment
      And it has been trained elsewhere without interruption
      And its launch was killed at the state stopped
      And in the run, the weights of step 10 are others, and their manifest says so
      When the command "foundry diff {run} {reference}" is run in this process
      Then the command exits with 1
      And among what is marked are
        | name                            |
        | step-00000010/model.safetensors |

  @REQ-DIFF-03
  Rule: Scripts rely on the exit code, and nothing heavy is loaded

    Scenario: What is no run cannot be compared
      Given the runs
        | folder   | state   | steps  | loss |
        | runs/two | cleaned | 1 of 1 | 2.5  |
      When each of these commands is run
        | command                       | message                                                                                      |
        | foundry diff runs/two nowhere | nowhere: no run here (run.json is missing); `foundry list` shows the runs                    |
        | foundry diff runs/two runs/two | runs/two/config.yaml: is empty; an experiment begins like `experiment_name: my-model`       |
      Then each exits with its code and its message as the only line

    Scenario: Comparing does without torch
      Given a small experiment
      And it has been trained
      When the command "foundry diff {run} {run}" is run, with its imports traced
      Then the command exits with 0
      And it did without torch
