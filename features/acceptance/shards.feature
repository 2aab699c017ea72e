@allure.label.epic:Acceptance
@critical
Feature: Several hosts share the suite, and their shards make one whole
  A team with five hosts waits a fifth of the time. The release is signed with the whole, so nothing may be missing
  from it, counted twice, or come from another state of the code.

  @REQ-SHARDS-01
  Rule: Every scenario is in exactly one shard, on every host

    Scenario Outline: <count> shards of this project's suite are its parts, of equal size
      Given all scenarios of this project that run anywhere
      When they are parted into <count> shards
      Then each scenario is in exactly one of them
      And none has 10 % more steps than another

      Examples:
        | count |
        | 1     |
        | 2     |
        | 7     |

    Scenario: There may be as many shards as scenarios
      Given features whose scenarios take so many seconds
        | feature | rule  | scenario | seconds | steps |
        | books   | lent  | a        | 6       | 9     |
        | books   | back  | b        | 1       | 1     |
        | books   | back  | c        | 2       | 1     |
      When they are parted into 3 shards
      Then each scenario is in exactly one of them

    Scenario: What a host has measured does not change its shard
      Given an acceptance run with "features/library dangers/guard.feature --shard 1/2"
      When acceptance is run with "features/library dangers/guard.feature --shard 1/2"
      Then its history tells of 2 runs of the same scenarios

    Scenario: What a shard did not keep is run again as a whole
      Given an acceptance run with "features/library dangers/collapse.feature --shard 1/2"
      When acceptance is run with "features/library dangers/collapse.feature --shard 1/2 --last-failed"
      Then its record says
        | scenario                        | status |
        | A lent book is not on the shelf | failed |
        | A book is lent from no shelf    | broken |
        | The library does not open       | broken |

  @REQ-SHARDS-02
  Rule: Merged shards are what a whole run would have been

    Scenario: Record, results and report of the whole
      Given shards of a run of "features dangers/collapse.feature"
      When the shards are merged
      Then it ends with 1
      And its record says
        | scenario                                 | status  |
        | The first book is dry                    | passed  |
        | The roof falls in                        | broken  |
        | The wall cracks                          | broken  |
        | The door slams                           | broken  |
        | The last book is dry                     | passed  |
        | A book on the shelf is lent              | passed  |
        | A lent book is not on the shelf          | failed  |
        | A book is lent from no shelf             | broken  |
        | The library does not open                | broken  |
        | A small book is lent                     | passed  |
        | A big book is lent                       | passed  |
        | A book that nobody thought of comes back | broken  |
        | Every book ever printed is there         | skipped |
        | A run shows its history                  | passed  |
      And each scenario of its record has one result of that status
      And its report shows 14 results
      And its record tells of no shard
      And it printed
        """
        6 passed, 7 failed, 1 skipped
        """

    Scenario: The whole tells of the machines that ran it
      Given shards of a run of "features dangers/collapse.feature"
      And in shard 2 the processor is an abacus
      When the shards are merged
      Then its environment names this machine's processor and the abacus, and the checks of both shards

  @REQ-SHARDS-03
  Rule: What does not make one whole is refused in one line

    Scenario Outline: <mistake>
      Given shards of a run of "features dangers/collapse.feature"
      And in shard 2 <change>
      When the shards "<merged>" are merged
      Then it ends with 2 and says only
        """
        <line>
        """

      Examples:
        | mistake                       | change                                      | merged              | line                                                                                             |
        | Shards of two versions        | "foundry" is "0.0.9"                        | shard-1 shard-2     | shard-1 and shard-2 are of different versions of Foundry, THIS-VERSION and 0.0.9; merge the shards of one suite |
        | Shards of two commits         | "commit" is "0123456789ab"                  | shard-1 shard-2     | shard-1 and shard-2 are of different commits, not a git repository and 0123456789ab; merge the shards of one suite |
        | Shards of two selections      | "tags" is ["@minor"]                        | shard-1 shard-2     | shard-1 and shard-2 are of different tags, none and @minor; merge the shards of one suite        |
        | Shards of other features      | "paths" is ["features"]                     | shard-1 shard-2     | shard-1 and shard-2 are of different features, features dangers/collapse.feature and features; merge the shards of one suite |
        | Parts of two sizes            | "shard" is "2/3"                            | shard-1 shard-2     | shards of 2 and of 3 parts; merge the shards of one suite                                        |
        | A shard that is missing       | nothing is changed                          | shard-1             | shard 2/2 is missing; name the folders of all 2 shards                                           |
        | A shard that is there twice   | "shard" is "1/2"                            | shard-1 shard-2     | shard 1/2 is there more than once; name each folder once                                         |
        | A whole run                   | "shard" is ""                               | shard-1 shard-2     | shard-2: a whole run, not a shard; merge what `foundry accept --shard I/N` has left              |
        | A shard without its results   | the results are lost                        | shard-1 shard-2     | shard-2/results: holds 0 results, and acceptance.json tells of 8; copy the folder of the shard as a whole |
        | A folder without a shard      | nothing is changed                          | shard-1 steps       | steps/acceptance.json: cannot be read (No such file or directory); `foundry accept` writes such a file |
        | A scenario in both shards     | the scenarios of shard 1 are told again     | shard-1 shard-2     | the scenario 'Every book ever printed is there' is in 2 shards; run all shards from the same features       |
        | No shard at all               | nothing is changed                          | --out whole         | nothing to merge; name the folders that `foundry accept --shard I/N --out FOLDER` has written    |
        | An option of a run            | nothing is changed                          | shard-1 shard-2 --seed 3 | --seed: shards are merged as they ran; `merge` takes only --out, --results and --gate               |
        | The place of a shard          | nothing is changed                          | shard-1 shard-2 --out shard-1 | shard-1: would be overwritten by the merge of it; name another folder with --out and --results |
        | The results of a shard        | nothing is changed                          | shard-1 shard-2 --results shard-2/results | shard-2: would be overwritten by the merge of it; name another folder with --out and --results |

    Scenario Outline: There is no shard <shard> of <what>
      When acceptance is run with "<what> --shard <shard>"
      Then it ends with 2 and says only
        """
        --shard <shard>: <rule>
        """

      Examples:
        | shard | what               | rule                                                                   |
        | 6/5   | features           | no part of a whole; write I/N with I from 1 to N, such as 2/5          |
        | 0/3   | features           | no part of a whole; write I/N with I from 1 to N, such as 2/5          |
        | x/y   | features           | no part of a whole; write I/N with I from 1 to N, such as 2/5          |
        | 2     | features           | no part of a whole; write I/N with I from 1 to N, such as 2/5          |
        | 3/3   | dangers/lock.feature | only 2 scenarios are selected; use at most 2 shards                  |
