@allure.label.epic:Training
@critical
Feature: Checkpoints are saved beside training, and the right ones stay
  Saving must not cost training time, and disks are not endless. What is needed to go on, to publish or to look back
  stays; and a checkpoint counts only when it is whole on disk.

  @REQ-RETENTION-01
  Rule: The newest, the best and the milestones stay

    Scenario: Milestones stay while newer checkpoints come and go
      Given a small experiment whose validation loss rises
      And with the setting training.keep_checkpoints at 1
      And with the setting training.checkpoint_schedule at 2, 4, 6, 8, 10
      And with the setting training.checkpoint_milestones at 4, 7
      When it is launched
      Then the checkpoints are those of the best step and the steps 4, 7, 12

    Scenario: Milestones that are not in the schedule are saved, too
      Given a small experiment with
        | setting                        | value |
        | training.checkpoint_schedule   | 5     |
        | training.checkpoint_milestones | 2, 7  |
        | data.validation_fraction       | 0     |
      When it is launched
      Then the checkpoints are those of the steps 2, 5, 7, 12

    Scenario: Without a limit all checkpoints stay
      Given a small experiment with
        | setting                      | value      |
        | training.checkpoint_schedule | 1, 2, 4, 8 |
        | training.keep_checkpoints    | none       |
        | data.validation_fraction     | 0          |
      When it is launched
      Then the checkpoints are those of the steps 1, 2, 4, 8, 12

  @REQ-RETENTION-02
  Rule: Saving beside training changes nothing but the time that it takes

    Scenario Outline: A run of <model> that saves beside training is the same to the bit
      Given a small experiment with
        | setting                      | value                           |
        | model.architecture           | <model>                         |
        | model.dropout                | 0.2                             |
        | training.checkpoint_schedule | 1, 2, 3, 4, 5, 6, 7, 8, 9, 10   |
        | training.keep_checkpoints    | none                            |
      And it has been trained elsewhere without interruption
      And with the setting training.async_checkpoints at true
      When it is launched
      Then every one of its checkpoints is that of the reference, bit for bit
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

      Examples:
        | model   |
        | decoder |
        | gpt2    |

    Scenario: Training goes on while a checkpoint is being written
      Given an experiment with a checkpoint of 60 MB that is saved beside training after step 2
      When it is launched, and it is noted at each step which checkpoints are whole
      Then steps were made after step 2 before its checkpoint was whole
      And it was told that step 2 is saved only when it was whole

  @REQ-RETENTION-03
  Rule: What is not yet whole is neither published nor told of

    Scenario: The best checkpoint is whole when it is published, however late it was saved
      Given an experiment with a checkpoint of 60 MB that is saved beside training after step 2
      And with the setting training.train_steps at 3
      And an artifact store that looks at the run folder whenever it is asked something
      When it is launched
      Then every checkpoint was there when the store was asked, step 3 among them
      And the published model is that of step 3
