@allure.label.epic:Acceptance
@normal
Feature: Coverage tells which lines of the product no scenario runs
  A line that no scenario runs can break without anyone noticing. Whoever adds a scenario, or plants a fault, needs
  to know which scenarios run which line, in whatever process that is.

  @REQ-COVER-01 @critical
  Rule: What every process of a run executes counts

    Scenario: Lines and branches count from the worker, its programs and its forks, however they end
      When the sample product's scenarios are run with coverage
      Then these lines and branches are missing
        | module           | lines | branches | missing                             | runs in                                     |
        | shop/__init__.py | 0     | 0        |                                     | the worker                                  |
        | shop/archive.py  | 5     | 4        | 1-5                                 | nothing                                     |
        | shop/labels.py   | 6     | 2        | 6, 5->6                             | a program                                   |
        | shop/orders.py   | 4     | 2        |                                     | forks of a server that started before       |
        | shop/parcels.py  | 4     | 2        | 3, 2->3                             | a program that ends by os._exit             |
        | shop/prices.py   | 9     | 4        | 6, 11, 5->6                         | the worker, which is killed in the end      |
        | shop/stock.py    | 3     | 0        |                                     | a fork of the worker that ends by os._exit  |

    Scenario: Lines that only a GPU can run count nowhere, and the figures tell how many there are
      When the sample product's scenarios are run with coverage
      Then 3 lines of "shop/archive.py" do not count, since they need a GPU
      And it is printed that "coverage: 71.0 % of 31 lines and 50.0 % of 14 branches in 7 modules; not counted, since they need a GPU: 3"

    Scenario: The pages and the data lie in one folder, and nothing else is left
      When the sample product's scenarios are run with coverage
      Then its folder of coverage has "index.html", "coverage.json", "data" and "data-of-scenarios"
      And nothing of the measurement is left anywhere else

    Scenario Outline: A product that cannot be found is refused before anything is run: <mistake>
      When the sample product is run with coverage of the source <source>
      Then the run exits with 2 and prints only a line with "<message>"

      Examples:
        | mistake            | source     | message                                                                   |
        | no source          | []         | coverage does not know what to measure: name the package in pyproject.toml |
        | an unknown package | ["shopp"]  | coverage source 'shopp': no such folder or package                        |
        | no list of sources | [1]        | coverage cannot be configured:                                            |

  @REQ-COVER-02
  Rule: Each line knows the scenarios that run through it

    Scenario: A line is known by the scenarios of every process that executed it
      When the sample product's scenarios are run with coverage
      Then these scenarios run through these lines
        | module          | line | scenarios                                                                                                          |
        | shop/prices.py  | 3    | A basket costs what is in it, A basket is paid before the power fails, A voucher makes a basket cheaper            |
        | shop/prices.py  | 4    | A voucher makes a basket cheaper                                                                                   |
        | shop/prices.py  | 11   |                                                                                                                    |
        | shop/labels.py  | 7    | A label has a name                                                                                                 |
        | shop/stock.py   | 2    | The last piece leaves an empty shelf                                                                               |
        | shop/parcels.py | 4    | A light parcel goes by post                                                                                        |
        | shop/orders.py  | 3    | The first order has number 1                                                                                       |
        | shop/orders.py  | 4    | Orders are numbered one after the other                                                                            |

  @REQ-COVER-03 @critical
  Rule: A release falls below no floor

    Scenario Outline: <floor> is <judged>
      Given the floors
        """
        <floors>
        """
      When they are held against the sample product's coverage
      Then the complaints are "<complaint>"

      Examples: the sample product has 71 % of its lines and 50 % of its branches, shop/prices.py has 10 of 13
        | floor                                 | judged  | floors                                                                           | complaint |
        | a floor that all lines reach          | met     | lines = 70.9\nbranches = 50                                                      |           |
        | a floor just above all lines          | not met | lines = 71\nbranches = 50                                                        | all modules: 70.9 % of the lines are covered, the floor is 71 % |
        | a floor above all branches            | not met | lines = 0\nbranches = 50.1                                                       | all modules: 50.0 % of the branches are covered, the floor is 50.1 % |
        | a floor that the core module reaches  | met     | lines = 0\nbranches = 0\ncore = 76.9\ncore-modules = ["shop/prices.py"]          |           |
        | a floor above the core module         | not met | lines = 0\nbranches = 0\ncore = 77\ncore-modules = ["shop/prices.py"]            | shop/prices.py: 76.9 % of its lines and branches are covered, its floor is 77 %; missing: 6, 11, 5->6 |
        | a floor above a module of a folder    | not met | lines = 0\nbranches = 0\ncore = 1\ncore-modules = ["shop/"]                      | shop/archive.py: 0.0 % of its lines and branches are covered, its floor is 1 %; missing: 1-5 |
        | a core module's own, lower floor      | met     | lines = 0\nbranches = 0\ncore-modules = ["shop/prices.py"]\n[exceptions]\n"shop/prices.py" = 76 | |

    Scenario: Shards are not held against the floors, and their merge is
      When the sample product, with a floor of 80 % of the lines, is run in 2 parts by --shard and merged
      Then the parts exit with 0, and the merge exits with 1
      And the merge prints "all modules: 58.0 % of the lines are covered, the floor is 80 %"

    Scenario Outline: Floors that cannot be meant are refused before anything is run: <mistake>
      When the sample product is run with coverage and the floors "<floors>"
      Then the run exits with 2 and prints only a line with "<message>"

      Examples:
        | mistake             | floors                             | message                                                             |
        | no percentage       | lines = 120                        | tool.foundry.coverage.lines = 120: Input should be less than or equal to 100 |
        | an unknown name     | line = 90                          | tool.foundry.coverage.line = 90: Extra inputs are not permitted     |
        | an unknown module   | core-modules = ["shop/price.py"]   | tool.foundry.coverage names shop/price.py, and no such module is measured |

  @REQ-COVER-04
  Rule: Several hosts measure together what one would have measured

    Scenario Outline: <number> parts by <option>, merged, have the coverage of a run on one host
      When the sample product is run in <number> parts by <option>, and merged
      Then figures and scenarios of the merge are those of a run of the whole

      Examples:
        | option    | number |
        | --shard   | 2      |
        | --modules | 2      |

    Scenario: Each group of modules is measured by one host
      When the sample product is run in 2 parts by --modules, and merged
      Then each module is measured by exactly one of the parts

    Scenario: A scenario that each host has run is one result of the whole
      When the sample product is run in 2 parts by --modules, and merged
      Then each scenario of the merge has one result

    Scenario Outline: Groups of modules are as even as the largest module allows: <number> groups of <modules> modules
      Given <modules> modules of all sizes
      When they are split into <number> groups
      Then each module is in exactly one group
      And no group is larger than the mean by more than the largest module

      Examples:
        | number | modules |
        | 1      | 3       |
        | 2      | 2       |
        | 3      | 40      |
        | 5      | 437     |
        | 7      | 8       |

    Scenario Outline: Groups that there cannot be are refused: <arguments>
      When the sample product is run with "<arguments>"
      Then the run exits with 2 and prints only a line with "<message>"

      Examples:
        | arguments                              | message                                                            |
        | --coverage --modules 3/2               | --modules 3/2: no part of a whole; write I/N                       |
        | --coverage --modules 1/8               | --modules 1/8: there are only 7 modules; use at most 7 groups      |
        | --modules 1/2                          | --modules 1/2: says what --coverage measures; add --coverage       |
        | --coverage --modules 1/2 --shard 1/2   | --modules 1/2: goes with a run of all scenarios; leave --shard out |
