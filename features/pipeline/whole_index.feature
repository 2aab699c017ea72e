# The index as one phase of a whole pipeline.
@allure.label.epic:Pipeline @critical
Feature: The index belongs to its pipeline like every other result
  An index that is lost or unreachable must be told as such, and costs nothing that does not need it.
  Whoever launches the pipeline again has it back, without knowing what was lost.

  @REQ-PIPELINE-46
  Rule: All six phases are one command, and the index is asked right after it

    Scenario: All six phases are done, a second launch does none, and a question is answered
      Given a tiny pipeline with an index, on a repository of 6 commits
      When the pipeline is launched with "--from analyze", and again
      Then the phases were
        | phase    | status    | what                               |
        | analyze  | unchanged |                                    |
        | scrape   | unchanged |                                    |
        | tokenize | unchanged |                                    |
        | embed    | unchanged | 12 vectors of 6 commits and 6 files |
        | train    | unchanged |                                    |
        | evaluate | unchanged |                                    |
      And no file of the pipeline has changed
      And the index answers "the volume of part 3" with shapes/part_3.py first

    Scenario: A server that is down costs the index alone
      Given a tiny pipeline with an index on a server that is down, on a repository of 6 commits
      When the pipeline is launched with "--from analyze"
      Then the command has exited with 1
      And a phase has failed in one line that has "start it, or correct embed.url"
      And the phases were
        | phase    | status | what            |
        | tokenize | done   |                 |
        | embed    | failed | does not answer |
        | train    | done   |                 |
        | evaluate | done   |                 |

  @REQ-PIPELINE-47
  Rule: An index that was lost is told, and made again

    @blocker
    Scenario Outline: <loss> is told
      Given a tiny pipeline with an index, whose history was embedded
      And its index has lost <loss>
      When it is verified
      Then verifying exits with 1 and ends with "pipelines/sample: embed: index/qdrant <problem>"

      Examples:
        | loss                       | problem                                            |
        | its folder                 | holds no collection texts                          |
        | its file of points         | holds no collection texts                          |
        | its list of collections    | holds no collection texts                          |
        | a point                    | holds 11 points instead of 12                      |
        | all meaning                | cannot be read: file is not a database             |

    Scenario Outline: <loss> makes the phase embed due, and then it is whole
      Given a tiny pipeline with an index, whose history was embedded
      And its index has lost <loss>
      When the pipeline is launched with "--only analyze,scrape,embed"
      Then these phases were done: embed
      And the manifest is the same but for the times
      And the index answers "the volume of part 3" with shapes/part_3.py first

      Examples:
        | loss       |
        | its folder |
        | a point    |

    Scenario: An index that has lost nothing verifies
      Given a tiny pipeline with an index, whose history was embedded
      When it is verified
      Then verifying exits with 0 and ends with "pipelines/sample: partial; every file is what the manifest says"
