@allure.label.epic:Training
@critical
Feature: A hostile checkpoint is set aside before anything in it is run or believed
  Checkpoints are copied between machines and people. Whatever somebody put into one, with digests that agree, a launch
  runs no code from it, takes no memory that it asks for, follows it nowhere, and goes on from the newest honest one.

  @REQ-HOSTILE-01
  Rule: Nothing from a checkpoint is unpickled or imported

    Scenario: The corpus is dangerous to whoever trusts it
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      When the pickle of the corpus is loaded by a reader that trusts it
      Then its code has been executed

    Scenario: Pickles under every name are set aside
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And a newer checkpoint with each of these
        | hostile                                          | said                            |
        | a pickle named model.safetensors                 | is not a whole safetensors file |
        | a file of torch.save named model.safetensors     | is not a whole safetensors file |
        | a pickle named optimizer.safetensors             | is not a whole safetensors file |
        | a file of torch.save named optimizer.safetensors | is not a whole safetensors file |
        | a pickle named state.json                        | is not UTF-8 text               |
        | a file of torch.save named state.json            | is not UTF-8 text               |
        | a pickle named manifest.json                     | is not UTF-8 text               |
      When the killed run is launched again
      Then each of them is set aside, with a line that says why
      And what was set aside is what was damaged, byte for byte
      And nothing of it is executed
      And it takes little memory and time
      And the launch goes on at step 11 and completes the run
      And the run has become identical to the uninterrupted one

    Scenario Outline: What stands beside the files of a checkpoint is neither run nor opened: <hostile>
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And checkpoint 10 has <hostile> in it
      When the killed run is launched again
      Then nothing of it is executed
      And no checkpoint was set aside
      And the launch goes on at step 11 and completes the run
      And the run has become identical to the uninterrupted one

      Examples:
        | hostile                                      |
        | pytorch_model.bin beside the others, listed  |
        | optimizer.pt beside the others, listed       |
        | rng.pt beside the others, listed             |
        | training_args.bin beside the others, listed  |
        | modeling_custom.py beside the others         |
        | sitecustomize.py beside the others           |
        | a named pipe beside the others               |

  @REQ-HOSTILE-02
  Rule: A manifest is believed only where it names files inside its folder, and the right ones

    Scenario: Names that lead elsewhere are set aside
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And a newer checkpoint with each of these
        | hostile                                       | said                      |
        | a name above the folder in its manifest       | not one inside the folder |
        | a name far above the folder in its manifest   | not one inside the folder |
        | an absolute name in its manifest              | not one inside the folder |
        | a name with backslashes in its manifest       | not one inside the folder |
        | a name with a drive in its manifest           | not one inside the folder |
        | a name with a zero byte in its manifest       | not one inside the folder |
        | an empty name in its manifest                 | not one inside the folder |
        | the name of the folder itself in its manifest | not one inside the folder |
        | a name that ends with a slash in its manifest | not one inside the folder |
        | a name of several lines in its manifest       | not one inside the folder |
        | a name with terminal commands in its manifest | not one inside the folder |
        | a name of 100,000 letters in its manifest     | not one inside the folder |
        | a name with half a pair in its manifest       | not one inside the folder |
      When the killed run is launched again
      Then each of them is set aside, with a line that says why
      And what was set aside is what was damaged, byte for byte
      And nothing of it is executed
      And it takes little memory and time
      And the launch goes on at step 11 and completes the run
      And the run has become identical to the uninterrupted one

    Scenario: Manifests that lie, or are too large to be read, are set aside
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And a newer checkpoint with each of these
        | hostile                                            | said                                                           |
        | a size beyond every disk in its manifest           | bytes instead of                                               |
        | a negative size in its manifest                    | manifest.json is not a manifest                                |
        | a size of a thousand digits in its manifest        | bytes instead of                                               |
        | a size in words in its manifest                    | manifest.json is not a manifest                                |
        | a step of a thousand digits in its manifest        | its manifest says step                                         |
        | a step in words in its manifest                    | manifest.json is not a manifest                                |
        | a loss that is not a number in its manifest        | manifest.json holds NaN, which is not a number                 |
        | an infinite loss in its manifest                   | manifest.json holds -Infinity, which is not a number           |
        | a fingerprint of several lines in its manifest     | manifest.json is not a manifest                                |
        | a fingerprint of a million letters in its manifest | manifest.json is not a manifest                                |
        | a list of files in its manifest                    | manifest.json is not a manifest                                |
        | no files in its manifest                           | model.safetensors is not listed in manifest.json               |
        | an unknown key in its manifest                     | manifest.json is not a manifest                                |
        | another format in its manifest                     | manifest.json is of format 2, this foundry reads format 1      |
        | a format in words in its manifest                  | manifest.json is not a manifest                                |
        | a digest that is none in its manifest              | manifest.json is not a manifest                                |
        | a crowd of files in its manifest                   | more than the 1,000,000 that are read    |
        | a manifest nested without end                      | is nested too deeply                                           |
        | a manifest with a number without end               | holds a number of 100,000 digits                               |
        | a manifest that is a list                          | manifest.json is not a manifest                                |
        | a manifest that is null                            | manifest.json is not a manifest                                |
        | a manifest that is no UTF-8                        | is not UTF-8 text                                              |
        | a manifest that is binary                          | is not UTF-8 text                                              |
        | a key twice in its manifest                        | manifest.json holds a key twice                                |
        | a manifest of 3 GB                                 | more than the 1,000,000 that are read |
      When the killed run is launched again
      Then each of them is set aside, with a line that says why
      And what was set aside is what was damaged, byte for byte
      And nothing of it is executed
      And it takes little memory and time
      And the launch goes on at step 11 and completes the run
      And the run has become identical to the uninterrupted one

  @REQ-HOSTILE-03
  Rule: Links, pipes and devices in place of files are not opened

    Scenario: Links are not followed, and pipes not waited for
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And a newer checkpoint with each of these
        | hostile                                   | said                         |
        | a named pipe for manifest.json            | is not a regular file        |
        | a socket for manifest.json                | manifest.json cannot be read |
        | a link to /dev/zero for manifest.json     | is a symbolic link           |
        | a link to its copy for manifest.json      | is a symbolic link           |
        | a link to nothing for manifest.json       | is a symbolic link           |
        | a named pipe for model.safetensors        | model.safetensors is missing |
        | a socket for model.safetensors            | model.safetensors is missing |
        | a link to /dev/zero for model.safetensors | model.safetensors is missing |
        | a link to its copy for model.safetensors  | model.safetensors is missing |
        | a link to nothing for model.safetensors   | model.safetensors is missing |
        | a named pipe for state.json               | state.json is missing        |
        | a socket for state.json                   | state.json is missing        |
        | a link to /dev/zero for state.json        | state.json is missing        |
        | a link to its copy for state.json         | state.json is missing        |
        | a link to nothing for state.json          | state.json is missing        |
        | a link to its copy for the folder         | is a symbolic link           |
        | a link to itself for the folder           | is a symbolic link           |
      When the killed run is launched again
      Then each of them is set aside, with a line that says why
      And what was set aside is what was damaged, byte for byte
      And nothing of it is executed
      And it takes little memory and time
      And the launch goes on at step 11 and completes the run
      And the run has become identical to the uninterrupted one

  @REQ-HOSTILE-04
  Rule: Headers of tensors are checked before memory is taken for what they promise

    Scenario: Headers that lie are set aside, though their digests agree
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And a newer checkpoint with each of these
        | hostile                                                               | said                                                        |
        | no byte at all in model.safetensors                                   | is not a whole safetensors file                             |
        | half a length in model.safetensors                                    | is not a whole safetensors file                             |
        | a header of 9,223,372,036,854,775,807 bytes in model.safetensors      | is not a whole safetensors file                             |
        | a header of 18,446,744,073,709,551,615 bytes in model.safetensors     | is not a whole safetensors file                             |
        | a header that is longer than the file in model.safetensors            | is not a whole safetensors file                             |
        | a header that is no UTF-8 in model.safetensors                        | is not a whole safetensors file                             |
        | a header nested without end in model.safetensors                      | is not a whole safetensors file                             |
        | a list for a header in model.safetensors                              | is not a whole safetensors file                             |
        | tensor bytes beyond the file in model.safetensors                     | is not a whole safetensors file                             |
        | two tensors on the same bytes in model.safetensors                    | is not a whole safetensors file                             |
        | offsets that run backwards in model.safetensors                       | is not a whole safetensors file                             |
        | a negative offset in model.safetensors                                | is not a whole safetensors file                             |
        | a shape whose product overflows in model.safetensors                  | is not a whole safetensors file                             |
        | a huge shape of no bytes in model.safetensors                         | is not a whole safetensors file                             |
        | an unknown type in model.safetensors                                  | is not a whole safetensors file                             |
        | one name for two tensors in model.safetensors                         | is not a whole safetensors file                             |
        | tensors of nothing in model.safetensors                               | model.safetensors lacks 14 tensors that are needed, such as |
        | no byte at all in optimizer.safetensors                               | is not a whole safetensors file                             |
        | half a length in optimizer.safetensors                                | is not a whole safetensors file                             |
        | a header of 9,223,372,036,854,775,807 bytes in optimizer.safetensors  | is not a whole safetensors file                             |
        | a header of 18,446,744,073,709,551,615 bytes in optimizer.safetensors | is not a whole safetensors file                             |
        | a header that is longer than the file in optimizer.safetensors        | is not a whole safetensors file                             |
        | a header that is no UTF-8 in optimizer.safetensors                    | is not a whole safetensors file                             |
        | a header nested without end in optimizer.safetensors                  | is not a whole safetensors file                             |
        | a list for a header in optimizer.safetensors                          | is not a whole safetensors file                             |
        | tensor bytes beyond the file in optimizer.safetensors                 | is not a whole safetensors file                             |
        | two tensors on the same bytes in optimizer.safetensors                | is not a whole safetensors file                             |
        | offsets that run backwards in optimizer.safetensors                   | is not a whole safetensors file                             |
        | a negative offset in optimizer.safetensors                            | is not a whole safetensors file                             |
        | a shape whose product overflows in optimizer.safetensors              | is not a whole safetensors file                             |
        | a huge shape of no bytes in optimizer.safetensors                     | is not a whole safetensors file                             |
        | an unknown type in optimizer.safetensors                              | is not a whole safetensors file                             |
        | one name for two tensors in optimizer.safetensors                     | is not a whole safetensors file                             |
      When the killed run is launched again
      Then each of them is set aside, with a line that says why
      And what was set aside is what was damaged, byte for byte
      And nothing of it is executed
      And it takes little memory and time
      And the launch goes on at step 11 and completes the run
      And the run has become identical to the uninterrupted one

  @REQ-HOSTILE-05
  Rule: A state is believed only where every part of it is what a run saves

    Scenario: States that are none are set aside, though their digests agree
      Given a run that was killed after the checkpoints 5, 8, 9 and 10
      And a newer checkpoint with each of these
        | hostile                                       | said                                                          |
        | a state nested without end                    | is nested too deeply                                          |
        | a state with a number without end             | holds a number of 100,000 digits                              |
        | a state that is a list                        | state.json is not the state of a training run                 |
        | a state that is null                          | state.json is not the state of a training run                 |
        | a state that is no UTF-8                      | is not UTF-8 text                                             |
        | a state without a key                         | state.json is not the state of a training run                 |
        | a state with generators in words              | state.json is not the state of a training run                 |
        | a state with a generator of no bytes          | no usable generator states                                    |
        | a state with a generator that is no Base64    | no usable generator states                                    |
        | a state with a generator of 30 MB             | more than the 16,777,216 that are read                         |
        | a state with a generator of another kind      | no usable generator states                                    |
        | a state with Python's generator in words      | no usable generator states                                    |
        | a state with early stopping with unknown keys | early_stopping.__class__:                                     |
        | a state with early stopping in words          | early_stopping:                                               |
        | a state with a patience in words              | early_stopping.patience:                                      |
        | a state with a scaler in words                | state.json is not the state of a training run                 |
        | a state with another step                     | state.json is that of step 7                                  |
        | a state of 200 MB                             | more than the 16,777,216 that are read |
      When the killed run is launched again
      Then each of them is set aside, with a line that says why
      And what was set aside is what was damaged, byte for byte
      And nothing of it is executed
      And it takes little memory and time
      And the launch goes on at step 11 and completes the run
      And the run has become identical to the uninterrupted one
