@allure.label.epic:Training
@blocker
Feature: The best model is published, and nothing is removed before that is confirmed
  What a team gets is the checkpoint with the lowest validation loss. The copies on the training machine
  are the only ones until the store has proven that it holds every byte.

  @REQ-PUBLISH-01
  Rule: The best checkpoint is published, not the latest

    Scenario: A model that gets worse is published as it was at its best
      Given a small experiment whose validation loss rises
      When it is launched
      Then the best step is not the last step
      And the published model is that of the best step
      And the published files are those of the best checkpoint

    Scenario: Of steps with equal losses the earliest is published
      Given a small experiment with
        | setting                   | value |
        | training.learning_rate    | 1e-30 |
        | training.keep_checkpoints | 1     |
      When it is launched
      Then its validation losses are all equal
      And the published model is that of step 3

    Scenario: Without validation the last step is published
      Given a small experiment with
        | setting                      | value |
        | data.validation_fraction     | 0     |
      When it is launched
      Then the published model is that of step 12

  @REQ-PUBLISH-02
  Rule: Local checkpoints are removed only after the store has confirmed

    Scenario: All checkpoints are there until the store has confirmed
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | false |
      And an artifact store that looks at the run folder whenever it is asked something
      When it is launched
      Then every checkpoint was there when the store was asked to publish and to confirm
      And no checkpoint is left in the run folder
      And the run went through created, training, stopped, published, cleaned

    Scenario: A store that cannot be written keeps every checkpoint
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | false |
      And a file stands where the artifact store should be
      When it is launched
      Then the launch fails with "could not be published"
      And the run is stopped
      And the best and the last step are checkpointed

    Scenario: Publishing is done by the next launch, without another step
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | false |
      And a file stands where the artifact store should be
      And its launch has failed
      And the file is gone
      When it is launched again
      Then the launch makes no step
      And the published model is that of the best step
      And the run is cleaned

    Scenario: A store that holds other bytes than were sent keeps every checkpoint
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | false |
      And an artifact store that loses a bit of the weights
      When it is launched
      Then the launch fails with "the store does not hold what was sent (model.safetensors)"
      And the run is stopped
      And the best and the last step are checkpointed

    Scenario: A store that does not answer when it is asked to confirm keeps every checkpoint
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | false |
      And an artifact store that does not answer when it is asked to confirm
      When it is launched
      Then the launch fails with "the store does not answer"
      And the run is stopped
      And the best and the last step are checkpointed

    Scenario: Checkpoints stay where the experiment wants to keep them
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | true  |
      When it is launched
      Then the run is cleaned
      And the best and the last step are checkpointed

  @REQ-PUBLISH-04
  Rule: What is kept and published holds no password

    Scenario: The password in a repository's URL is neither in the run nor in the artifact
      Given a small experiment on a repository whose URL holds the password "kept-nowhere"
      When it is launched
      Then no file of the run and the store holds "kept-nowhere"
      And the run is cleaned

  @REQ-PUBLISH-03
  Rule: A run that was interrupted or has failed publishes nothing

    Scenario: A run whose numbers go bad fails, and keeps what it had
      Given a small experiment with
        | setting                          | value |
        | artifacts.keep_local_checkpoints | false |
        | training.learning_rate           | 1e30  |
        | training.warmup_steps            | 11    |
        | training.checkpoint_schedule     | 1     |
        | training.max_grad_norm           | none  |
        | training.evaluation_interval     | 12    |
      When it is launched
      Then the launch fails with "the weights were not changed"
      And the run is failed
      And step 1 is checkpointed
      And nothing is published

    Scenario: A run whose validation loss is no number fails, and keeps what it had
      Given a small experiment with
        | setting                      | value |
        | model.architecture           | gpt2  |
        | training.learning_rate       | 1e30  |
        | training.warmup_steps        | 0     |
        | training.evaluation_interval | 1     |
        | training.max_grad_norm       | none  |
      When it is launched
      Then the launch fails with "the validation loss is"
      And the run is failed
      And nothing is published

    Scenario: A damaged best checkpoint is not published, and no other in its place
      Given a small experiment
      And its launch was killed at the state stopped
      And a byte of the best checkpoint's weights has flipped
      When it is launched again
      Then the launch fails with "the best checkpoint cannot be published"
      And nothing is published
