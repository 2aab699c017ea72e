@allure.label.epic:Acceptance
@critical
Feature: Faults that are planted in the product show whether the suite notices them
  A green run is worth as much as what would have turned it red. So the product is broken on purpose, and the
  scenario that claims to notice must do so.

  @REQ-FAULT-01
  Rule: A fault is caught only where its guard turns red because of it

    Scenario Outline: <fault>: <verdict>
      When the faults of the sample product are planted
      Then the fault "<fault>" is <verdict>: "<message>"

      Examples:
        | fault                | verdict                     | message                                                              |
        | a-fourth-book        | caught                      | Then it is refused: AssertionError: it is lent                                       |
        | no-shelf-is-removed  | caught by time-out          | it did not end within                                                |
        | the-power-fails      | caught                      | its process was ended by SIGKILL                                     |
        | half-the-fine        | survived                    | its guard stays green                                                |
        | a-slip-of-the-pen    | does not load               | NameError: name 'MOST' is not defined                                |
        | no-program           | does not load               | SyntaxError: invalid syntax                                          |
        | of-last-year         | does not apply              | the replaced text occurs 0 times in library/lending.py, and must occur once |
        | in-two-places        | does not apply              | the replaced text occurs 4 times in library/lending.py, and must occur once |
        | in-no-file           | does not apply              | there is no library/archive.py                                       |
        | guarded-by-nobody    | guard not found             | no such scenario in features/lending.feature                         |
        | guarded-by-no-file   | guard not found             | no such scenario in features/archive.feature                         |
        | guarded-by-a-sluggard | guard cannot run here      | takes minutes                                                        |
        | guarded-by-a-pessimist | guard red without the fault | Then it is refused: AssertionError: it is lent                                      |

  @REQ-FAULT-02
  Rule: The working tree is left as it is

    Scenario: Planted faults change no file, and nothing that git sees
      When the faults of the sample product are planted
      Then every file of the sample product is as it was
      And git sees the changes that it saw before

    Scenario: What a fault has started ends with it
      When the faults of the sample product are planted
      Then no process and no file of theirs is left

    Scenario: Ctrl-C ends the trials with all that they have started
      When the planting of "no-shelf-is-removed" is interrupted while the fault has a process running
      Then the planting exits with 130
      And no process and no file of theirs is left

    Scenario: Faults are planted in the source as it lies there, not as it was committed
      Given "MOST_BOOKS = 3" of the sample product has become "MOST_BOOKS = 4"
      When the faults of the sample product are planted with "--only of-last-year"
      Then the fault "of-last-year" is guard red without the fault: "Then it is refused: AssertionError: it is lent"

  @REQ-FAULT-03
  Rule: One fault that is not caught fails the run

    Scenario: A run with a surviving fault exits with 1 and says which
      When the faults of the sample product are planted
      Then the planting exits with 1
      And the planting says "3 of 13 planted faults are caught"
      And the fault "half-the-fine" is listed with its guard

    Scenario: A run whose faults are all caught exits with 0
      When the faults of the sample product are planted with "--only a-fourth-book"
      Then the planting exits with 0
      And the planting says "1 of 1 planted faults are caught"

    Scenario Outline: <mistake> is refused in one line
      When the faults of the sample product are planted with "<arguments>"
      Then the planting exits with 2
      And the planting says only "<line>"

      Examples:
        | mistake                      | arguments                  | line                                                                                                    |
        | a time without a unit        | --budget 10                | --budget 10: no length of time; write a number above 0 and s, m or h, such as 90s or 10m                |
        | no time at all               | --budget 0s                | --budget 0s: no length of time; write a number above 0 and s, m or h, such as 90s or 10m                |
        | a fault that is not there    | --only a-fifth-book        | --only a-fifth-book: no such fault; the catalogue has 13 others                                         |
        | a catalogue that is not there | catalogues                | catalogues: no list of planted faults ([Errno 2] No such file or directory: 'catalogues')                |
        | a folder without a catalogue | library                    | library: no planted faults there; name a YAML file or a folder of them                                  |
        | two faults of one name       | faults faults/lending.yaml --only a-fourth-book | a-fourth-book, half-the-fine, |
        | a file that is no catalogue  | pyproject.toml             | pyproject.toml: no list of planted faults |

  @REQ-FAULT-04
  Rule: Planted faults take no more time than they are given

    Scenario: What there was no time for is listed as not tried
      When the faults of the sample product are planted with "--budget 0.01s --seed 3"
      Then the planting exits with 0
      And the planting says "sampled with seed 3; the time allowed was 0 s"
      And the planting says "13 not tried: "
      And the planting says "0 of 0 planted faults are caught"

  @REQ-FAULT-05
  Rule: An acceptance run plants the faults whose guards it has run, and its bundle tells of them

    Scenario: What became of the faults is in the bundle
      When the sample product is accepted with "features/lending.feature:3 --planted-faults"
      Then the planting exits with 1
      And the planting says "2 of 9 planted faults are caught"
      And the fault "a-fourth-book" is caught: "it is lent"
      And the record names the faults that were not caught
        | fault              |
        | a-slip-of-the-pen  |
        | guarded-by-no-file |
        | guarded-by-nobody  |
        | in-no-file         |
        | in-two-places      |
        | no-program         |
        | of-last-year       |
      And the results of the epic "Planted faults" are
        | result             | status |
        | a-fourth-book      | passed |
        | a-slip-of-the-pen  | broken |
        | guarded-by-no-file | broken |
        | guarded-by-nobody  | broken |
        | in-no-file         | broken |
        | in-two-places      | broken |
        | no-program         | broken |
        | of-last-year       | broken |
        | the-power-fails    | passed |

    Scenario: Time that the catalogue leaves goes to random mutants, and what is red without them kills none
      When the sample product is accepted with "features/lending.feature:9 features/lending.feature:30 --planted-faults --budget 5m"
      Then the planting exits with 1
      And mutants of the lines are tried against the scenarios of the run alone
        | line | killed | survived |
        | 8    | 0      | 2        |
        | 15   | 1      | 2        |
      And the results of the epic "Planted faults" show "random mutants" as failed

    Scenario: What the scenarios have shown outlives a run that is left at once while faults are planted
      When Ctrl-C is pressed twice while a run of the sample product plants its faults
      Then the planting exits with 130
      And its record says that "Sixty-one books need three shelves" was passed

    Scenario: Where no scenario is kept, none is asked about random mutants, and the bundle is written
      When the sample product is accepted with "features/lending.feature:21 --planted-faults --budget 5m"
      Then the planting exits with 1
      And the fault "guarded-by-a-pessimist" is guard red without the fault: "it is lent"
      And the planting says "no scenario is kept, so that none could notice a random mutant"

    Scenario: What goes wrong with the mutants is told, and what the faults have shown is kept
      Given "mutation:" of the sample product has become "mutated:"
      When the sample product is accepted with "features/lending.feature:9 --planted-faults --budget 5m"
      Then the planting exits with 1
      And the fault "half-the-fine" is survived: "its guard stays green"
      And the planting says "planted faults: "

    Scenario: A time in which no fault could be tried is no success, and the summary tells how many were left
      When the sample product is accepted with "features/lending.feature:13 --planted-faults --budget 0.01s"
      Then the planting exits with 1
      And the planting says "planted faults: there was no time for any of 2; allow more with --budget"
      And its summary has the figure "Planted faults noticed" with "0 of 0, 2 not tried"

    Scenario: What a fault shows is told to the letter, brackets included
      Given "it is lent" of the sample product has become "it is lent [again]"
      When the sample product is accepted with "features/lending.feature:21 --planted-faults"
      Then the planting tells of "guarded-by-a-pessimist" that "AssertionError: it is lent [again]"

    Scenario Outline: <mistake> is refused in one line
      When the sample product is accepted with "<arguments>"
      Then the planting exits with 2
      And the planting says only "<line>"

      Examples:
        | mistake                                | arguments                                             | line                                                                          |
        | a time for nothing                     | --budget 10m                                          | --budget 10m: is the time for planted faults; add --planted-faults            |
        | a time in an unknown unit              | --planted-faults --budget 10min                       | --budget 10min: no length of time; write a number above 0 and s, m or h, such as 90s or 10m |
        | faults of a shard                      | --planted-faults --shard 1/2                          | --planted-faults: goes with a run of the whole, for shards are merged without it; leave --shard 1/2 out |
        | faults of a group of modules           | --planted-faults --coverage --modules 1/2             | --planted-faults: goes with a run of the whole, for shards are merged without it; leave --modules 1/2 out |

  @REQ-FAULT-06
  Rule: The catalogue of Foundry fits its source and its features

    Scenario: Every fault of the catalogue can be planted, and its guard is there
      When the catalogue of Foundry is read
      Then it has 60 faults or more, each with a story
      And each fault applies exactly once to a module of the product that is a program with it
      And each fault has a guard that runs on every machine
