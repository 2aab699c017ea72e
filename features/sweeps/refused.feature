# What a sweep's file may not say, and what its storage may not be.
@allure.label.epic:Sweeps @critical
Feature: A sweep that cannot be carried out is refused in one line
  A sweep that fails after a night has cost a night. What can be known before the first step is said before it,
  with the value, the rule and what to do.

  @REQ-SWEEP-06
  Rule: Every mistake in the file is named before anything is trained

    Scenario: What the file says is checked against the experiment
      Given a sweep of 2 trials without pruning
      When the sweep is launched with each of these changes, one at a time
        | change                                                                       | message                                                                                                                                            |
        | trails: 3                                                                    | sweep.yaml: trails: unknown key; did you mean trials?                                                                                              |
        | trials: 0                                                                    | sweep.yaml: trials: must be at least 1, got 0                                                                                                      |
        | sampler: tp                                                                  | sweep.yaml: sampler: must be one of tpe, random, got tp; did you mean tpe?                                                                         |
        | sweep_name: a/b                                                              | sweep.yaml: sweep_name: must be 1 to 100 letters, digits, dots, dashes and underscores, and begin with a letter or a digit, got a/b                |
        | parameters: {}                                                               | sweep.yaml: parameters is empty; name at least one setting to try                                                                                  |
        | experiment: smal.yaml                                                        | smal.yaml: no such file; did you mean small.yaml?                                                                                                  |
        | parameters: {training.learning_rat: {low: 1, high: 2}}                       | sweep.yaml: parameters.training.learning_rat: is no setting of an experiment; did you mean training.learning_rate?                                 |
        | parameters: {layers: {values: [1]}}                                          | sweep.yaml: parameters.layers: is no setting of an experiment; did you mean model.layers?                                                          |
        | parameters: {training.device: {values: [cpu]}}                               | sweep.yaml: parameters.training.device: changes no weight, so that every trial would be the same run; leave it out                                 |
        | parameters: {tokenizer.vocab_size: {values: [320, 340]}}                     | sweep.yaml: parameters.tokenizer.vocab_size: changes what validation losses are computed on, so that they cannot be compared; leave it out         |
        | parameters: {random_seed: {low: 1, high: 9}}                                 | sweep.yaml: parameters.random_seed: changes what validation losses are computed on, so that they cannot be compared; leave it out                  |
        | parameters: {model.layers: {low: 2, high: 2}}                                | sweep.yaml: parameters.model.layers: low (2) must be below high (2)                                                                                |
        | parameters: {model.layers: {low: 1}}                                         | sweep.yaml: parameters.model.layers: needs low and high, or values instead of them                                                                 |
        | parameters: {model.layers: {values: []}}                                     | sweep.yaml: parameters.model.layers: values is empty; name at least one                                                                            |
        | parameters: {model.layers: {values: [1, 1.0]}}                               | sweep.yaml: parameters.model.layers: values names 1 twice; remove one                                                                              |
        | parameters: {model.layers: {values: [[1]]}}                                  | sweep.yaml: parameters.model.layers.values[0]: must be one text, number, true, false or null, got [1]                                              |
        | parameters: {model.layers: {low: 1, high: 9, hihg: 3}}                       | sweep.yaml: parameters.model.layers.hihg: unknown key; did you mean high?                                                                          |
        | parameters: {model.layers: {low: 1, high: 4, step: 2}}                       | sweep.yaml: parameters.model.layers: high - low (3) must be a multiple of step (2)                                                                 |
        | parameters: {model.layers: {low: 1, high: 4, step: 0.5}}                     | sweep.yaml: parameters.model.layers: step must be a whole number, as the setting is, got 0.5                                                       |
        | parameters: {model.layers: {low: 1, high: 4.5}}                              | sweep.yaml: parameters.model.layers: model.layers: must be a whole number, got 4.5                                                                 |
        | parameters: {training.learning_rate: {low: 0, high: 1, log: true}}           | sweep.yaml: parameters.training.learning_rate: log needs low above 0, got 0                                                                        |
        | parameters: {training.learning_rate: {low: 1, high: 2, log: true, step: 1}}  | sweep.yaml: parameters.training.learning_rate: step does not go with log; remove one of them                                                       |
        | parameters: {training.learning_rate: {low: -1, high: 1}}                     | sweep.yaml: parameters.training.learning_rate: training.learning_rate: must be above 0, got -1                                                     |
        | parameters: {training.learning_rate: {low: 1e-4, high: .inf}}                | sweep.yaml: parameters.training.learning_rate.high: must be a finite number, got inf                                                               |
        | parameters: {model.attention_heads: {values: [1, 3]}}                        | sweep.yaml: parameters.model.attention_heads: model: hidden_size (32) must be divisible by attention_heads (3)                                     |
        | parameters: {random_seed: {low: 0, high: 10000000000000000}}                 | sweep.yaml: parameters.random_seed: whole numbers must lie between -9,007,199,254,740,992 and 9,007,199,254,740,992                                |
      Then each is refused with 2 and its message as the only line
      And there is neither a run nor a study

    Scenario: An experiment without validation has nothing to compare
      Given a sweep of 2 trials without pruning
      And its experiment has data.validation_fraction=0
      When the sweep is launched
      Then the launch of the sweep fails with 2 and "small.yaml: trains without validation, and a sweep compares validation losses; set data.validation_fraction above 0 or name data.test_corpus"

    @normal
    Scenario: A sweep and an experiment are told apart
      Given a finished sweep of 4 trials, of which one was pruned
      When each of these commands is given
        | command                                    | code | message                                                                                        |
        | foundry train sweep.yaml                   | 2    | sweep.yaml: describes a sweep, not an experiment; `foundry sweep sweep.yaml` carries it out    |
        | foundry sweep small.yaml --report          | 2    | small.yaml: describes an experiment, not a sweep; `foundry train small.yaml` trains it |
        | foundry validate sweep.yaml small.yaml     | 0    |                                                                                                |
        | foundry validate sweep.yaml --set trials=3 | 2    | --set: overrides settings of an experiment; change them in sweep.yaml                          |
      Then each ends with its code, and its message begins what it says

  @REQ-SWEEP-07
  Rule: A study is only gone on with as it was begun

    Scenario: A sweep that was begun otherwise is not mixed with what is there
      Given a finished sweep of 4 trials, of which one was pruned
      When the sweep is launched with each of these changes, one at a time
        | change                                        | message                                                                                                                                                                       |
        | seed: 43                                      | sweep.yaml: the study in sweeps/tries/study.db was begun with seed 42, and here it is 43; restore that, or give the sweep another sweep_name                                  |
        | parameters: {model.layers: {values: [1, 3]}}  | sweep.yaml: the study in sweeps/tries/study.db was begun with parameters.model.layers.values [1, 2], and here it is [1, 3]; restore that, or give the sweep another sweep_name |
      Then each is refused with 2 and its message as the only line
      And the runs and the trials are as they were

    Scenario: Trials on another corpus are not mixed with what is there
      Given a sweep of 2 trials without pruning
      And the sweep was killed at "updated weights", time 20
      And the corpus of the sweep has changed
      When the sweep is launched again
      Then the launch of the sweep fails with 2 and "sweep.yaml: the corpus has changed since the sweep was begun, so that its trials could not be compared; restore it, or give the sweep another sweep_name"

  @REQ-SWEEP-08
  Rule: A storage that cannot be used is named, with the reason

    Scenario: Storages that cannot be opened
      Given a sweep of 2 trials without pruning
      And the file notes.txt with text that is no database
      When the sweep is launched with each of these changes, one at a time
        | change                                             | message                                                                                                                |
        | storage: somewhere                                 | storage: must be the URL of a database, such as postgresql://user@host/sweeps, got 'somewhere'                         |
        | storage: oracle://host/x                           | storage: must be a database of sqlite, postgresql, mysql, mariadb, got oracle                                          |
        | storage: 'sqlite://'                               | storage: sqlite:// keeps nothing; name a file, such as sqlite:///sweeps/study.db                                       |
        | storage: sqlite:///notes.txt                       | storage: sqlite:///notes.txt: cannot be used: file is not a database; mend that, and the same command goes on; without that file the study begins anew, and takes over the runs that are complete |
        | storage: sqlite:///notes.txt/study.db              | storage: sqlite:///notes.txt/study.db: cannot be used: File exists; mend that, and the same command goes on; without that file the study begins anew, and takes over the runs that are complete |
        | storage: 'mysql+nodriver://me:secret@host/x'       | storage: mysql+nodriver://me:***@host/x: cannot be used: Can't load plugin: sqlalchemy.dialects:mysql.nodriver; mend that, and the same command goes on |
      Then each is refused with its message as the only line
      And no run was begun

    Scenario: A study whose file is damaged is not worked on
      Given a finished sweep of 4 trials, of which one was pruned
      And the file of its study is damaged in the middle
      When the sweep is launched again
      Then the launch of the sweep fails with 1 and "storage: sweeps/tries/study.db: cannot be used: "
      And the runs are as they were

    @normal
    Scenario: A report of a sweep that has not been begun
      Given a sweep of 2 trials without pruning
      When its report is asked for
      Then the launch of the sweep fails with 2 and "sweeps/tries/study.db: holds no study of this sweep yet; without --report the sweep is begun"
      And there is neither a run nor a study

    @normal
    Scenario: Without Optuna a sweep says what to install
      Given a sweep of 2 trials without pruning
      When the sweep is launched where Optuna is not installed
      Then the launch of the sweep fails with 2 and "a sweep needs optuna; install it with `pip install 'foundry-lm[sweeps]'`"
