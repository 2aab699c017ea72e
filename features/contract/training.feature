@allure.label.epic:Contract
@contract @blocker
Feature: A team's own training keeps the promises of training
  Whoever signs a model signs the training that it came from. So the promises are tried on the team's own experiment,
  with fewer steps and nothing else changed.

  @REQ-CONTRACT-01
  Rule: What is tried is the team's training, only shorter

    Scenario: The short training differs from the team's in its lengths alone
      Given the team's experiment
      When its short training is over
      Then it was trained with the team's settings, apart from
        | setting                            |
        | data.max_validation_blocks         |
        | training.train_steps               |
        | training.epochs                    |
        | training.warmup_steps              |
        | training.evaluation_interval       |
        | training.early_stopping_patience   |
      And its weights are held and adapted as the team's experiment says

  @REQ-CONTRACT-02
  Rule: A training that is killed ends as if it had not been

    Scenario: A killed training that is launched again ends bit-identical to one without interruption
      Given the team's experiment
      And its short training was killed before its last step
      When the killed training is launched again
      Then it goes on after a checkpoint of the killed process
      And its metrics, checkpoints and publication are bit-identical to those of the uninterrupted training

  @REQ-CONTRACT-03
  Rule: The best checkpoint is published, byte for byte

    Scenario: The published model is the best checkpoint
      Given the team's experiment
      When its short training is over
      Then the published model is its best checkpoint, byte for byte

    Scenario: A training that gets worse in the end publishes what it was at its best
      Given the team's experiment
      And it keeps documents for validation
      When a short training of it gets worse in the end
      Then the published model is its best checkpoint, byte for byte

  @REQ-CONTRACT-04
  Rule: A training that is complete is left as it is

    Scenario: A complete training that is launched again trains nothing and changes nothing
      Given the team's experiment
      And its short training is complete
      When the complete training is launched again
      Then the launch says that nothing was left to train
      And no file of the run and its publication has changed

  @REQ-CONTRACT-05
  Rule: What is published is whole, and can be used

    Scenario: Every file of the run and of its publication holds what its digest says
      Given the team's experiment
      When its short training is over
      Then its run and its publication verify

    Scenario: The published model writes in another place than where it was made
      Given the team's experiment
      And its short training is complete
      When the published model is copied elsewhere and continues a prompt
      Then it has written a text
