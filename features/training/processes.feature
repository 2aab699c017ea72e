@allure.label.epic:Training
@critical
Feature: Several processes train one run as one process would
  A model that is too large or too slow for one process is trained by several. Whoever changes their number,
  or loses one of them, gets the same run: the same batches in the same order, no step lost and none made twice.

  @REQ-PROCESSES-01
  Rule: The number of processes changes no loss

    Scenario Outline: Two processes come to the losses of one: <case>
      Given a small experiment of 6 steps with
        | setting                             | value          |
        | model.architecture                  | <architecture> |
        | training.parallel                   | <parallel>     |
        | training.use_gradient_checkpointing | <recomputing>  |
      And it has been trained elsewhere without interruption
      When it is launched in 2 processes
      Then its losses are those of the uninterrupted run, within a hundred-thousandth
      And the published weights are those of the uninterrupted run, within a ten-thousandth
      And the published model is that of the best step
      And process 0 alone has published

      Examples:
        | case                                                 | architecture | parallel | recomputing |
        | each with the whole model                            | decoder      | ddp      | false       |
        | each with a part of it                               | decoder      | fsdp     | false       |
        | GPT-2, each with the whole model                     | gpt2         | ddp      | false       |
        | GPT-2, each with a part of it, and recomputing of it | gpt2         | fsdp     | true        |

    Scenario Outline: Accumulated steps with dropout, and a validation that is no multiple of 2, come to the same: <parallel>
      Given a small experiment of 6 steps with
        | setting                              | value      |
        | training.parallel                    | <parallel> |
        | data.batch_size                      | 1          |
        | data.max_validation_blocks           | 3          |
        | training.gradient_accumulation_steps | 4          |
        | model.dropout                        | 0.2        |
        | model.attention_dropout              | 0.1        |
      And it has been trained elsewhere without interruption
      When it is launched in 2 processes
      Then its losses are those of the uninterrupted run, within a hundred-thousandth
      And the published weights are those of the uninterrupted run, within a ten-thousandth

      Examples:
        | parallel |
        | ddp      |
        | fsdp     |

    Scenario: A batch that the processes cannot share equally is refused before anything is done
      Given a small experiment of 6 steps
      When the command trains it in 3 processes
      Then every process exits with 2
      And all processes together say one line
      And it names "the global batch of 4 blocks" and "the number of processes (3)"
      And there is no run

  @REQ-PROCESSES-02
  Rule: A process that is killed costs no more than the steps since the last checkpoint

    Scenario Outline: A run of which process <rank> is killed in mid-step ends as if it had not been: <parallel>
      Given a small experiment of 6 steps with
        | setting           | value      |
        | training.parallel | <parallel> |
        | model.dropout     | 0.2        |
      And it has been trained elsewhere in 2 processes without interruption
      And process <rank> of its 2 was killed in step 5
      When it is launched in 2 processes
      Then the launch makes the steps 4 to 6
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's
      And nothing half-written is left

      Examples:
        | parallel | rank |
        | ddp      | 0    |
        | ddp      | 1    |
        | fsdp     | 0    |
        | fsdp     | 1    |

    Scenario: The processes that are left end at once, and say why
      Given a small experiment of 6 steps
      When process 1 of its 2 is killed in step 5
      Then process 0 exits with 1, saying "another process of this launch has gone"
      And the run is failed
      And nothing is published

  @REQ-PROCESSES-03
  Rule: A run goes on with another number of processes, and another way to share the model

    Scenario Outline: A run begun by <begun> goes on with <after>, <going on with>
      Given a small experiment of 6 steps with
        | setting           | value        |
        | training.parallel | <begun with> |
      And it has been trained elsewhere without interruption
      And <before> killed in step 5
      And with the setting training.parallel at <going on with>
      When it is launched in <after>
      Then the launch makes the steps 4 to 6
      And its metrics hold each of the 6 steps once
      And its losses are those of the uninterrupted run, within a hundred-thousandth
      And the published weights are those of the uninterrupted run, within a ten-thousandth

      Examples:
        | begun               | before                         | begun with | after       | going on with |
        | 2 with all of it    | all of its 2 processes were    | ddp        | 1 process   | ddp           |
        | 1 with all of it    | its 1 process was              | ddp        | 2 processes | ddp           |
        | 2 with parts        | all of its 2 processes were    | fsdp       | 1 process   | fsdp          |
        | 1, for parts        | its 1 process was              | fsdp       | 2 processes | fsdp          |
        | 2 with parts        | all of its 2 processes were    | fsdp       | 4 processes | fsdp          |
        | 2 with parts        | all of its 2 processes were    | fsdp       | 2 processes | ddp           |
        | 2 with all of it    | all of its 2 processes were    | ddp        | 2 processes | fsdp          |

  @REQ-PROCESSES-04
  Rule: A checkpoint in parts is one checkpoint

    Scenario: Each process writes its share, and the whole is verified as one
      Given a small experiment of 6 steps with
        | setting           | value |
        | training.parallel | fsdp  |
      When it is launched in 2 processes
      Then in each of its checkpoints, each of 2 files holds an equal part of every matrix, and of its means
      And each of its checkpoints holds nothing but safetensors and JSON, every file with its digest

    Scenario: A flipped byte in the part of one process is noticed, and the checkpoint before it is used
      Given a small experiment of 6 steps with
        | setting           | value |
        | training.parallel | fsdp  |
      And it has been trained elsewhere in 2 processes without interruption
      And process 1 of its 2 was killed in step 5
      And the newest checkpoint suffers a flipped byte in optimizer.shards/shard-00002-model-00001-of-00001.safetensors
      When it is launched in 2 processes
      Then the launch makes the steps 3 to 6
      And the damaged checkpoint stands beside the others, set aside
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

    Scenario: A pickle beside the parts, where torch would look for one, is not executed
      Given a small experiment of 6 steps with
        | setting           | value |
        | training.parallel | fsdp  |
      And all of its 2 processes were killed in step 5
      And a pickle that runs code stands as .metadata in every folder of its checkpoints
      When it is launched in 1 process
      Then the launch makes the steps 4 to 6
      And the pickle was not executed

    Scenario: A file that nobody lists beside the parts sets the checkpoint aside
      Given a small experiment of 6 steps with
        | setting           | value |
        | training.parallel | fsdp  |
      And all of its 2 processes were killed in step 5
      And a part that its manifest does not list stands in the newest checkpoint
      When it is launched in 1 process
      Then the launch makes the steps 3 to 6
      And the damaged checkpoint stands beside the others, set aside

    Scenario: A run whose checkpoints are in parts generates the text that the run of one process does
      Given a small experiment of 6 steps with
        | setting           | value |
        | training.parallel | fsdp  |
      And it has been trained elsewhere in 1 process until it was killed in step 5
      And process 0 of its 2 was killed in step 5
      When text is generated from the run and from the one elsewhere
      Then both say the same

  @REQ-PROCESSES-05
  Rule: A request to stop that reaches one process stops all of them after the same step

    Scenario Outline: SIGTERM to <who> saves the step that is under way and ends every process with 143: <parallel>
      Given a small experiment of 6 steps with
        | setting           | value      |
        | training.parallel | <parallel> |
      When <who> of its 2 receives SIGTERM at step 4
      Then every process exits with 143
      And the run is interrupted
      And its newest checkpoint is of the step that its metrics end with
      And nothing is published

      Examples:
        | who                | parallel |
        | process 1          | ddp      |
        | process 0          | fsdp     |
        | every process      | fsdp     |

  @REQ-PROCESSES-06
  Rule: torchrun starts the same command

    Scenario: The command under torchrun trains in two processes and says everything once
      Given a small experiment of 6 steps
      When torchrun starts its training in 2 processes
      Then torchrun exits with 0
      And it says once that the run has stopped and that it is published
      And the run is cleaned

  @REQ-PROCESSES-07 @gpu
  Rule: Each process takes a GPU of its own

    Scenario Outline: Two GPUs come to the losses of one: <parallel>
      Given a machine with 2 GPUs
      And a small experiment of 6 steps with
        | setting           | value      |
        | training.device   | cuda       |
        | training.parallel | <parallel> |
      And it has been trained elsewhere without interruption
      When it is launched in 2 processes
      Then its losses are those of the uninterrupted run, within a hundred-thousandth
      And process 0 alone has published

      Examples:
        | parallel |
        | ddp      |
        | fsdp     |
