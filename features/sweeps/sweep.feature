# What `foundry sweep` tries, what it makes of it, and what it says at the end.
@allure.label.epic:Sweeps @critical
Feature: A sweep tries settings of an experiment, and names the best
  Whoever looks for a good learning rate wants a file that says what to try, one command, and a table at the end.
  Each trial is a run as any other: it is listed, used and gone on with by the same commands.

  @REQ-SWEEP-01
  Rule: Every trial is a run of its own, with exactly its parameters

    @blocker
    Scenario: The best trial is the one with the lowest validation loss, and each trial is a run
      Given a finished sweep of 4 trials, of which one was pruned
      When its report is asked for
      Then the command prints a table of the trials, best first, and names the best
      And the loss of every trial is the lowest in the metrics of its run
      And the run of every trial was trained with the parameters of the trial, to the last bit
      And the runs that `foundry list` shows are those of the trials
      And the best run continues a prompt, and its parameters are given for another training

    @normal
    Scenario: The page of a sweep draws every trial, and loads nothing
      Given a finished sweep of 4 trials, of which one was pruned
      When its report is asked for
      Then the page of the sweep shows the history, every parameter and the losses of every trial
      And the page sweeps/tries/sweep.html loads nothing from elsewhere

    @blocker
    Scenario: Learning rates that differ in the last digit never share a run
      Given a sweep of 4 trials over "training.learning_rate: {values: [1e-3, 0.0010000000000000002]}"
      When the sweep is launched
      Then the command exits with success
      And exactly the learning rates 0.001 and 0.0010000000000000002 were trained, each in one run

    Scenario: Trials with the same parameters are one run, which is trained once
      Given a sweep of 4 trials over "model.layers: {values: [1]}"
      When the sweep is launched
      Then all 4 trials are complete, with one loss
      And there is one run, which was begun once

    Scenario: A trial counts by its lowest validation loss, not by its last
      Given a sweep of 2 trials whose validation losses rise in the end
      When the sweep is launched
      Then the command exits with success
      And the loss of every trial is the lowest in the metrics of its run, and lies before its end

    Scenario: What cannot be combined is told as a failed trial, and the others are trained
      Given a sweep of 6 trials over "model.hidden_size: {values: [32, 48]}; model.attention_heads: {values: [2, 3]}"
      When the sweep is launched
      Then the command exits with success
      And the trials with hidden_size 32 and attention_heads 3 failed with "must be divisible by attention_heads (3)"
      And all other trials are complete

    Scenario: A trial that diverges is told as a failed trial, and the others are trained
      Given a sweep of 4 trials over "training.learning_rate: {values: [1e-3, 1e38]}"
      When the sweep is launched
      Then the sweep has come to its end
      And the trials with learning_rate 1e+38 failed with "training.learning_rate"
      And all other trials are complete

    Scenario: A sweep in which no trial gives a loss is a failure
      Given a sweep of 1 trials over "training.learning_rate: {values: [1e38]}"
      When the sweep is launched
      Then the launch of the sweep fails with 1 and "no trial came to its end with a validation loss"

    @normal
    Scenario: The trials of a sweep are one group in Weights & Biases
      Given a Weights & Biases service
      And a sweep of 2 trials over "training.learning_rate: {low: 1e-3, high: 1e-2}"
      And its experiment is tracked there
      When the sweep is launched
      Then the command exits with success
      And the service has a run for each trial, all in the group tries, each with the steps of its trial

  @REQ-SWEEP-02
  Rule: A hopeless trial is ended early, and nothing of it is lost

    Scenario: Pruned are those trials that are worse than the median, and no other
      Given a sweep of 7 trials that prunes after 3 of them
      When the sweep is launched
      Then the command exits with success
      And some trials were pruned, and each of those was worse than the median of the trials before it
      And each trial that was not pruned was no worse than that at any evaluation after its first
      And the first 3 trials were not pruned

    Scenario: A pruned run is whole, unpublished, and can be gone on with
      Given a finished sweep of 4 trials, of which one was pruned
      When the run of the pruned trial is trained on
      Then the run of the pruned trial had been whole, and nothing of it published
      And it has gone on at the step after the pruning, to its end

    Scenario: A trial that is pruned long after its best step is saved where it ended
      Given a sweep of 3 trials, of which the last gets worse from its first evaluation on
      When the sweep is launched
      Then the command exits with success
      And the last trial was pruned after its best step, and is saved at the step where it ended

    Scenario: A trial with the parameters of a pruned one is pruned with it
      Given a sweep of 5 trials over "training.learning_rate: {values: [1e-1, 3e-2, 1e-4]}"
      And it draws with the seed 6, and prunes after 2 of its trials
      When the sweep is launched
      Then the command exits with success
      And trials with the same parameters have one result, and some of them were pruned
      And each run was begun once

    @normal
    Scenario: Without pruning every trial comes to its end
      Given a sweep of 3 trials without pruning
      When the sweep is launched
      Then every trial is complete after all steps of its run
