@allure.label.epic:Test_kit
@critical
Feature: The test kit's faults are real, and its verdicts see a single bit
  The promises about interruptions are only as good as the means that check them. Users build their own suites
  from the same kit.

  @REQ-KIT-01
  Rule: Two runs are identical only if every bit of them is

    @blocker
    Scenario: The first difference of two runs is named
      Given the same experiment trained in two places
      When one thing at a time is changed in the second, and the two are compared
        | change                                      | difference                                                   |
        | nothing                                     |                                                              |
        | a bit of the last weights                   | checkpoints/step-00000012/model.safetensors: norm.weight[31] |
        | a bit of an earlier checkpoint's weights    | checkpoints/step-00000005/model.safetensors: norm.weight[31] |
        | a bit of the optimizer state                | checkpoints/step-00000012/optimizer.safetensors:             |
        | the lowest loss that early stopping counts  | checkpoints/step-00000012/state.json: early_stopping.lowest  |
        | the loss of step 4 in its last digit        | metrics.jsonl, step 4: loss is                               |
        | the line of step 12 in the metrics is lost  | metrics.jsonl has 12 and 11 lines                            |
        | the line of step 12 in the metrics is twice | metrics.jsonl has 12 and 13 lines                            |
        | the times in the metrics                    |                                                              |
        | a bit of the published weights              | the published model.safetensors: norm.weight[31]             |
        | a byte of the published tokenizer           | the published tokenizer/tokenizer.json: its SHA-256 is       |
        | a byte of the run's tokenizer               | tokenizer tokenizer.json: its SHA-256 is                     |
        | the best step in the record                 | run.json: best_step is                                       |
        | the times in the record                     |                                                              |
        | the last checkpoint is lost                 | checkpoints: kept are                                        |
        | all checkpoints are lost                    | checkpoints: kept are                                        |
      Then each change is named, and nothing else

    Scenario: Runs without checkpoints are told apart by what they have published
      Given the same experiment trained in two places, and cleaned
      When one thing at a time is changed in the second, and the two are compared
        | change                         | difference                                       |
        | nothing                        |                                                  |
        | a bit of the published weights | the published model.safetensors: norm.weight[31] |
      Then each change is named, and nothing else

    Scenario Outline: Numbers are compared by their bits: <one> and <other>
      Given two files of tensors, with <one> and <other>
      When the tensors are compared
      Then the difference is "<difference>"

      Examples:
        | one | other | difference                                                                          |
        | 1.0 | 1.0   | none                                                                                |
        | nan | nan   | none                                                                                |
        | 0.0 | -0.0  | x[1] is 0.0 and -0.0 (bits 00000000 and 80000000); 1 of 2 numbers differ            |
        | nan | 1.0   | x[1] is nan and 1.0 (bits 7fc00000 and 3f800000); 1 of 2 numbers differ             |

  @REQ-KIT-02
  Rule: A campaign is red as soon as one run does not end as if it had been left alone

    @blocker
    Scenario: A campaign names what went wrong between kill and relaunch
      Given a campaign on the case checkpoints kept
      When it makes trials until a killed run suffers each of these
        | damage                                  | difference                   |
        | a wrong loss in its first metrics       | metrics.jsonl, step 1: loss  |
        | a wrong moment in its newest checkpoint | metrics.jsonl, step          |
        | something half-written beside the run   | half-written: runs/.writing- |
        | a file that no run writes               | runs/stray is in one of them |
        | a record that cannot be read            | the relaunch failed          |
      Then it says how each of these runs differs, and how to repeat it
      And it calls the runs identical that suffered nothing

    Scenario: A trial is repeated alone, with the same kill
      Given a campaign on the case waiting for saves
      When it makes the trials 7 and 8, and another campaign with its seed makes trial 8 alone
      Then trial 8 has the same kill in both, and trial 7 has another

    Scenario: Ctrl-C ends a campaign and leaves nothing behind
      When a campaign is started, and gets Ctrl-C while a run of it is being trained
      Then it exits with 130 within 1 seconds
      And it has left neither a process nor a file

    @minor
    Scenario: A campaign refuses what it cannot do in one line
      When a campaign is started with each of these
        | options              | message                                                                     |
        | --kills 0            | campaign: argument --kills: must be a whole number of at least 1, not '0'   |
        | --kills many         | campaign: argument --kills: must be a whole number of at least 1, not 'many' |
        | --seed x             | campaign: argument --seed: invalid int value: 'x' (see --help)              |
        | --case nothing       | campaign: argument --case: invalid choice: 'nothing'                        |
        | --folder nowhere     | campaign: --folder nowhere: no such folder                                  |
      Then each exits with 2 and that message as its only line

  @REQ-KIT-03
  Rule: A fault is a real one, and ends with its block

    Scenario: A small filesystem is full when its bytes are used, and takes more when there is room again
      Given a filesystem of 1000000 bytes
      When it is filled, 100000 bytes are written, room is made, and they are written again
      Then at most 1000000 bytes have filled it, and at least 900000
      And the first attempt fails with "No space left on device"
      And the second attempt succeeds

    Scenario: A filesystem that became read-only refuses to be written
      Given a filesystem of 1000000 bytes
      When it becomes read-only, 10 bytes are written, it is made writable, and they are written again
      Then the first attempt fails with "Read-only file system"
      And the second attempt succeeds

    Scenario Outline: <limit> holds inside its block, and not after it
      When <act> is tried under <limit>, and again after it
      Then the first attempt fails with "<message>"
      And the second attempt succeeds

      Examples:
        | limit                           | act                                    | message           |
        | a file-size limit of 1000 bytes | writing 1001 bytes                     | File too large    |
        | binding permissions             | writing into a folder of mode 555      | Permission denied |
        | an allocation limit of 10 MB    | allocating 4 GB                        | MemoryError       |

    Scenario: A store that fails at first is asked again by the next launch
      Given a store that cannot be reached 2 times
      When the experiment is launched 3 times
      Then the launches end as stopped, stopped, cleaned

    Scenario: A slow store is waited for
      Given a store that takes 300 ms to publish and 300 ms to confirm
      When the experiment is launched 1 times
      Then the launches end as cleaned
      And they took at least 600 ms

  @REQ-KIT-04
  Rule: What is written about the kit is true

    Scenario: The examples of the kit's documentation do what they say
      Given a filesystem of 1000000 bytes
      When the examples in the documentation of the kit are run
      Then each of them shows what is written under it
