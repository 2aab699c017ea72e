@allure.label.epic:Command_line @critical
Feature: A run is checked to the last byte, and a relaunch is foretold
  Before days of work are built on a run, one command says whether all of it is whole,
  and what the next launch would do. It changes nothing.

  @REQ-VERIFY-01
  Rule: A run that is whole is called whole

    Scenario: Everything of a complete run is listed
      Given a small experiment
      And it has been trained
      When the command "foundry verify {run}" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                                        |
        | ✓  run.json                                 |
        | cleaned, 12 of 12 steps                     |
        | ✓  config.yaml                              |
        | ✓  data.json                                |
        | ✓  tokenizer                                |
        | ✓  documents                                |
        | ✓  environment.json                         |
        | ✓  checkpoints/step-00000009                |
        | ✓  checkpoints/step-00000010                |
        | ✓  checkpoints/step-00000012                |
        | ✓  metrics.jsonl                            |
        | 12 lines up to step 12                      |
        | ✓  publication of step                      |
        | a relaunch does nothing: the run is complete |
      And nothing in the workspace has changed

    Scenario: An extended run is whole
      Given a small experiment
        | setting              | value |
        | logging.log_interval | 4     |
      And its first 6 steps were trained as a run of their own
      And with the setting logging.log_interval at 5
      And it has been extended
      When the command "foundry verify {run}" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                              |
        | ✓  run.json                       |
        | cleaned, 12 of 12 steps, extended from small- |
        | ✓  config.yaml                    |
        | ✓  checkpoints/step-00000012      |
        | ✓  metrics.jsonl                  |

    Scenario: What a kill left, and what was set aside, is mentioned, and is no damage
      Given a small experiment
      And its launch was killed at step 11
      And a checkpoint that a killed process had half written
      And in the run, the newest checkpoint was set aside
      When the command "foundry verify {run}" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                                                       |
        | –  checkpoints/damaged-step-00000010-0                     |
        | –  metrics.jsonl                                           |
        | 2 lines after step 9, which a launch that trains makes again |
        | –  checkpoints/.writing-step-00000010-                     |
        | is half-written; the next launch removes it                |
        | a relaunch goes on at step 10 from step-00000009           |
      And nothing in the workspace has changed

    Scenario: A run that is being trained is said to be
      Given a small experiment
      And another process is at work on it at step 8
      When the command "foundry verify {run}" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                                          |
        | is at work on this run                        |
        | a relaunch goes on at step 7 from step-00000006 |

  @REQ-VERIFY-02 @blocker
  Rule: What is damaged is found and named, and nothing is changed

    Scenario Outline: It is found that <damage>
      Given a small experiment
      And <history>
      And in the run, <damage>
      When the command "foundry verify {run}" is run in this process
      Then the command exits with 1
      And the only damage it finds is in <place>, because <reason>
      And nothing in the workspace has changed

      Examples:
        | history                          | damage                                                              | place                     | reason                                    |
        | its launch was killed at step 11 | a byte of checkpoints/step-00000010/model.safetensors has flipped     | checkpoints/step-00000010 | model.safetensors does not have the SHA-256 |
        | its launch was killed at step 11 | checkpoints/step-00000006/optimizer.safetensors is gone              | checkpoints/step-00000006 | optimizer.safetensors is missing           |
        | its launch was killed at step 11 | line 4 of metrics.jsonl is gone                                      | metrics.jsonl             | step 4 missing                             |
        | its launch was killed at step 11 | line 4 of metrics.jsonl stands twice                                 | metrics.jsonl             | steps do not ascend, or are doubled        |
        | its launch was killed at step 11 | line 4 of metrics.jsonl is garbled                                   | metrics.jsonl             | line 4 cannot be read; step 4 missing      |
        | its launch was killed at step 11 | config.yaml has another learning rate                                | config.yaml               | has the fingerprint                        |
        | its launch was killed at step 11 | a byte of tokenizer/tokenizer.json has flipped                       | tokenizer                 | tokenizer/tokenizer.json does not have     |
        | its launch was killed at step 11 | a byte of documents/trained.hashes has flipped                       | documents                 | documents/trained.hashes does not have     |
        | its launch was killed at step 11 | data.json names other tokens                                         | data.json                 | names other tokens                         |
        | its launch was killed at step 11 | environment.json is cut off                                          | environment.json          | cannot be read                             |
        | it has been trained              | a byte of the published weights has flipped                          | publication of step 12    | model.safetensors                          |
        | it has been trained              | the publication is gone                                              | publication of step 12    | is gone                                    |

    Scenario: A record that cannot be read is named, and the rest is checked all the same
      Given a small experiment
      And its launch was killed at step 8
      And in the run, run.json is cut off
      When the command "foundry verify {run} --json" is run in this process
      Then the command exits with 1
      And standard output is JSON that says of run.json damaged, of checkpoints/step-00000006 whole, and "a relaunch cannot go on: run.json cannot be read"

  @REQ-VERIFY-03
  Rule: What it says of a relaunch is what a relaunch does

    Scenario: The damaged newest checkpoint is set aside, and the one before it is used
      Given a small experiment
      And its launch was killed at step 11
      And the newest checkpoint suffers a flipped byte in optimizer.safetensors
      And verifying the run says "a relaunch goes on at step 10 from step-00000009, after setting step-00000010 aside"
      When it is launched again
      Then the launch makes the steps 10 to 12
      And the damaged checkpoint stands beside the others, set aside

    Scenario: Without a whole checkpoint it cannot go on
      Given a small experiment
      And its launch was killed at step 8
      And every checkpoint suffers a flipped byte in model.safetensors
      And verifying the run says "a relaunch cannot go on: no whole checkpoint"
      When it is launched again
      Then the launch fails with "checkpoints is whole"

    Scenario: A run that was killed before its first checkpoint begins anew
      Given a small experiment
      And its launch was killed at step 2
      And verifying the run says "a relaunch begins at step 1"
      When it is launched again
      Then the launch makes the steps 1 to 12

    Scenario: A stopped run is published
      Given a small experiment that stops early
      And its launch was killed at the state stopped
      And verifying the run says "a relaunch would publish step 2"
      When it is launched again
      Then the launch makes no step
      And the published model is that of step 2

    Scenario: A run whose patience has run out trains no further
      Given a small experiment that stops early
      And its launch made its last checkpoint, and was killed then
      And verifying the run says "a relaunch makes no step, and would publish step 2"
      When it is launched again
      Then the launch makes no step
      And the published model is that of step 2

    Scenario: A published run is cleaned
      Given a small experiment
      And its launch was killed at the state published
      And verifying the run says "a relaunch would clean up"
      When it is launched again
      Then the launch makes no step
      And the run is cleaned

  @REQ-VERIFY-04
  Rule: Scripts rely on the exit code, and nothing heavy is loaded

    Scenario: No such run is a mistake of the user's
      When each of these commands is run
        | command                    | message                                                                   |
        | foundry verify nowhere     | nowhere: no run here (run.json is missing); `foundry list` shows the runs |
      Then each exits with its code and its message as the only line

    Scenario: Verifying does without torch
      Given a small experiment
      And it has been trained
      When the command "foundry verify {run}" is run, with its imports traced
      Then the command exits with 0
      And it did without torch
