@allure.label.epic:Training
@normal
Feature: A run knows what it was made with
  When the same experiment gives other numbers, the first question is what was different:
  the machine, the versions, the threads, the switches. The run has the answer, for each of its launches.

  @REQ-ENVIRONMENT-01
  Rule: Every launch leaves a snapshot of its environment

    Scenario: The snapshot says what decides the numbers on this machine
      Given a small experiment
      When it is launched
      Then its environment holds
        | key                             | value                                   |
        | foundry                         | the version of foundry                  |
        | host                            | the name of this host                   |
        | instruction_set                 | what torch found of this processor      |
        | torch_threads                   | the threads of torch                    |
        | kernels.float32_matmul_precision | highest                                |
        | kernels.cudnn_benchmark         | false                                   |
        | next_step                       | 1                                       |
        | settings.logging.log_interval   | 1                                       |

    Scenario: A run that was launched again keeps the snapshots of all its launches
      Given a small experiment
      And its launch was killed at step 3
      And its launch was killed at step 8
      And with the setting data.num_workers at 2
      And the environment variable MKL_CBWR is "AVX2"
      When it is launched again
      Then its environments are, the newest first
        | next_step | variables.MKL_CBWR | settings.data.num_workers |
        | 7         | AVX2               | 2                         |
        | 1         | none               | 0                         |
        | 1         | none               | 0                         |

    Scenario: Changes that are not committed are mentioned
      Given a small experiment
      And the working folder is a git repository with a change that is not committed
      When it is launched
      Then its environment holds
        | key                     | value                  |
        | git_commit              | the commit checked out |
        | git_uncommitted_changes | 1                      |

  @REQ-ENVIRONMENT-02
  Rule: No secret gets into it

    Scenario: Environment variables that are not on the closed list stay out
      Given a small experiment
      And the environment variable MKL_CBWR is "AVX2"
      And the environment variable SERVICE_TOKEN is "kept-nowhere"
      When it is launched
      Then its environment holds
        | key                | value |
        | variables.MKL_CBWR | AVX2  |
      And no file of the run and the store holds "kept-nowhere"
