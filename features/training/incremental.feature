@allure.label.epic:Fine-tuning
@critical
Feature: A repository that has grown is trained on what is new
  Training everything anew for each handful of commits costs hours. A run that has finished goes on with the documents
  that it has not seen, and with a few old ones so that it forgets less; where nothing is new, nothing is done.

  @REQ-GROW-01 @blocker
  Rule: Only what is new is trained on, and as many old documents as were asked for

    Scenario: The new documents and a share of old ones are all that is trained on
      Given an experiment on a repository, which has been trained
      And the repository has got new documents
      When it is trained incrementally
      Then the training tokens are those of the new documents and of old training documents
      And the old documents have at least the asked share of the new ones' bytes, and not a document more than needed
      And no validation document of the earlier run is among the training tokens
      And its tokenizer is that of the earlier run, byte for byte

    Scenario: Without context, old documents are not trained on
      Given an experiment on a repository, which has been trained
      And the share of old documents as context is 0
      And the repository has got new documents
      When it is trained incrementally
      Then the training tokens are those of the new documents alone

    Scenario: It begins with the published weights of the earlier run, though its checkpoints were cleaned
      Given an experiment on a repository, which has been trained
      And the repository has got new documents
      And the learning rate is too small to change a weight
      When it is trained incrementally
      Then its published weights are bit-identical to those of the earlier run

    Scenario: An adapter goes on with what it has learned of the same pretrained model
      Given an experiment that adapts a pretrained model to a repository, which has been trained
      And the repository has got new documents
      And the learning rate is too small to change a weight
      When it is trained incrementally
      Then its published weights are bit-identical to those of the earlier run
      And they are those of an adapter that has learned

    Scenario: A chain remembers what all of its runs have seen
      Given an experiment on a repository, which has been trained
      And the repository has got new documents
      And it has been trained incrementally
      And the repository has got new documents
      When it is trained incrementally
      Then it has grown from the run that had grown
      And the training tokens are those of the new documents and of old training documents
      And the old documents have at least the asked share of the new ones' bytes, and not a document more than needed
      And no validation document of the earlier run is among the training tokens

  @REQ-GROW-02 @blocker
  Rule: Where nothing is new, nothing is done

    Scenario Outline: <case> is no new data
      Given an experiment on a repository, which has been trained
      And the repository has <change>
      When it is trained incrementally by command
      Then the command prints one line that begins with no_new_data, and exits with 0
      And nothing on disk has changed, not even a time

      Examples:
        | case                                     | change                                |
        | An unchanged repository                  | not changed                           |
        | A commit that touches excluded files only | got a commit of excluded files alone |

  @REQ-GROW-03 @blocker
  Rule: An incremental run that was interrupted goes on exactly

    Scenario Outline: Killed at <moment> and launched again, its weights are those of an uninterrupted one
      Given an experiment on a repository, which has been trained
      And the repository has got new documents
      And the incremental run is killed at <moment>
      When it is trained incrementally
      Then its weights are bit-identical to those of an incremental run that was not killed
      And launching it once more says that nothing is new

      Examples:
        | moment  |
        | created |
        | step 3  |

  @REQ-GROW-04
  Rule: What cannot be gone on from is refused in one line, and nothing is made

    Scenario Outline: <case>
      Given an experiment on a repository, which has been trained
      And the repository has got new documents
      And of the earlier run <damage>
      When it is trained incrementally
      Then it is refused with exit code <code> and "<message>"
      And there is no other run than the earlier one

      Examples:
        | case                            | damage                           | code | message                                             |
        | No earlier run                  | everything is gone               | 2    | train it without --incremental first                |
        | The published model is damaged  | a byte of the model has flipped  | 1    | the artifact is damaged                             |
        | Its list of documents is damaged | a byte of its list has flipped  | 1    | train without --incremental                         |
        | It is not finished              | the record says it is training   | 2    | only a finished run is gone on from                 |

    Scenario: Another base model at the same place
      Given an experiment that adapts a pretrained model to a repository, which has been trained
      And the repository has got new documents
      And the pretrained model has been replaced by another
      When it is trained incrementally
      Then it is refused with exit code 2 and "train it without --incremental first"
      And there is no other run than the earlier one
