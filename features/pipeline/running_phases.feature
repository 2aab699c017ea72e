# Which phases are done again, and what is left when one is not.
@allure.label.epic:Pipeline @critical
Feature: A pipeline does what is left to do, and nothing twice
  A change costs the phases that it concerns and no others, a failure costs nothing that was done before,
  and the command that started a pipeline is also the one that goes on with it.

  @REQ-PIPELINE-07
  Rule: A phase is done again only where its settings, its inputs or its outputs have changed

    Scenario: The first launch does every phase, and the second none
      Given a tiny pipeline on a repository of 6 commits
      When the pipeline is launched with "--only analyze,scrape,tokenize", and again
      Then the phases were
        | phase    | status    | what          |
        | analyze  | unchanged |               |
        | scrape   | unchanged |               |
        | tokenize | unchanged |               |
        | embed    | skipped   | not asked for |
        | train    | skipped   | not asked for |
        | evaluate | skipped   | not asked for |
      And no file of the pipeline has changed

    Scenario: A first launch names its phases, and a later one why they are done
      Given a tiny pipeline on a repository of 6 commits
      And the pipeline was launched with "--only analyze,scrape"
      And the setting scrape.max_patch_lines becomes 3
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then these lines name its phases
        """
        [1/6] analyze: unchanged
        [2/6] scrape: settings changed: scrape.max_patch_lines
        [3/6] tokenize
        """

    Scenario Outline: <change> concerns <done> alone
      Given a tiny pipeline whose cheap phases were done
      And <change>
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then these phases were done: <done>
      And the first of them says "<why>"

      Examples:
        | change                                    | done                      | why                                          |
        | the setting tokenize.overlap becomes 2                | analyze, tokenize         | settings changed: tokenize.overlap           |
        | the setting tokenize.near_duplicates becomes null     | tokenize                  | settings changed: tokenize.near_duplicates   |
        | the setting scrape.max_patch_lines becomes 3          | scrape, tokenize          | settings changed: scrape.max_patch_lines     |
        | a commit that changes files               | analyze, scrape, tokenize | inputs changed: references                   |
        | a tag                                     | analyze, scrape, tokenize | inputs changed: references                   |
        | the output analysis/analysis.json is removed         | analyze                   | outputs damaged: analysis/analysis.json      |
        | a byte of the output history/files.jsonl has flipped | scrape                    | outputs damaged: history/files.jsonl         |
        | a byte of the output sequences/train.bin has flipped | tokenize                  | outputs damaged: sequences/train.bin         |

    Scenario: What is damaged becomes again what it was
      Given a tiny pipeline whose cheap phases were done
      And a byte of the output history/commits.jsonl has flipped
      And a byte of the output sequences/train.bin has flipped
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then the pipeline's files are what they were

    Scenario: --force does a phase that has not changed, with the same result
      Given a tiny pipeline whose cheap phases were done
      When the pipeline is launched with "--only tokenize --force"
      Then these phases were done: tokenize
      And the manifest is the same but for the times

  @REQ-PIPELINE-08
  Rule: The user chooses phases, and the others stay as they are

    Scenario: --only leaves the other phases as they were
      Given a tiny pipeline on a repository of 6 commits
      And the pipeline was launched with "--only analyze,scrape"
      And a commit that changes files
      When the pipeline is launched with "--only analyze"
      Then these phases were done: analyze
      And the phase scrape is still complete, with what it had found before

    Scenario: --from does a phase and those after it
      Given a tiny pipeline whose cheap phases were done
      And the setting scrape.max_patch_lines becomes 3
      When the pipeline is launched with "--from tokenize --only analyze,scrape,tokenize"
      Then these phases were done: none
      And the phases were
        | phase    | status     | what     |
        | analyze  | left alone | complete |
        | scrape   | left alone | complete |
        | tokenize | unchanged  |          |

    Scenario Outline: What makes no sense is refused: <options>
      Given a tiny pipeline on a repository of 6 commits
      When the pipeline is launched with "<options>"
      Then it is refused with exit code 2: <message>
      And there is no manifest

      Examples:
        | options                        | message                                                                                                    |
        | --from tokenize                | --from tokenize: needs analyze, which was never run; begin with --from analyze                             |
        | --only scrap                   | --only: scrap is not a phase; did you mean scrape?                                                         |
        | --from 7                       | --from: 7 is not a phase; the phases are analyze, scrape, tokenize, embed, train, evaluate                  |
        | --only scrape --from train     | --from train: none of the phases scrape comes so late; leave out --from, or --only                          |
        | --set scrape.languages=[rustt]  | --set: scrape.languages: 'rustt' is not a known language; did you mean rust?                                |
        | --set tokenize.overlap=16      | tiny.yaml: tokenize: overlap (16) must be below half of sequence_length (32)                                    |
        | --set experiment.training.learning_rate=-1 | --set: experiment.training.learning_rate: must be above 0, got -1                               |

    Scenario: --dry-run says what would be done and why, and changes nothing
      Given a tiny pipeline whose cheap phases were done
      And the setting scrape.max_patch_lines becomes 3
      When the pipeline is launched with "--dry-run --only analyze,scrape,tokenize,embed"
      Then it prints
        """
        phase     expected    why
        analyze   unchanged
        scrape    would run   settings changed: scrape.max_patch_lines
        tokenize  may run     if scrape leaves something else than last time
        embed     would run   never run, after scrape
        train     left alone  not asked for
        evaluate  left alone  not asked for

        nothing was changed; the pipeline's folder is pipelines/sample
        """
      And no file of the pipeline has changed

    Scenario: --dry-run says that a launch would set a damaged manifest aside, and leaves it
      Given a tiny pipeline whose cheap phases were done
      And its folder is damaged: a changed number
      When the pipeline is launched with "--dry-run --only analyze"
      Then one line on standard error says "*; a launch would set it aside as damaged-manifest.json, and look at every phase anew", and the exit code is 0
      And no file of the pipeline has changed

    Scenario: --dry-run finds the mistakes in prompts that a launch would find
      Given a tiny pipeline whose cheap phases were done
      And its configuration names prompts with a mistake in them
      When the pipeline is launched with "--dry-run"
      Then one line on standard error says "mine.yaml: prompts[0].expect[0]: *", and the exit code is 2

    Scenario: --dry-run of a pipeline that was never launched makes no folder
      Given a tiny pipeline on a repository of 6 commits
      When the pipeline is launched with "--dry-run --only analyze,scrape"
      Then the command has exited with 0
      And there is no folder pipelines

  @REQ-PIPELINE-09
  Rule: A phase that fails is stated, and what was done stays

    Scenario: What needs a failed phase is not begun
      Given a tiny pipeline on a repository of 6 commits
      And the pipeline was launched with "--only analyze"
      And a file stands where the folder history.new should be
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then the command has exited with 1
      And the phases were
        | phase    | status    | what          |
        | analyze  | unchanged |               |
        | scrape   | failed    | history       |
        | tokenize | skipped   | scrape failed |
      And the manifest says failed, as does its phase scrape

    Scenario: The next launch goes on where one has failed
      Given a tiny pipeline on a repository of 6 commits
      And the pipeline was launched with "--only analyze"
      And its phase scrape has failed, because of a file that is gone now
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then these phases were done: scrape, tokenize
      And the manifest says partial, and all that was asked for is complete

    Scenario: Two launches of one pipeline exclude each other
      Given a tiny pipeline on a repository of 6 commits
      And another process is at work on the pipeline
      When the pipeline is launched with "--only analyze"
      Then it is refused with exit code 1: pipelines/sample: another process is at work on this pipeline: {that process}; wait for it, or stop it

    Scenario: A folder belongs to one repository
      Given a tiny pipeline on a repository of 6 commits
      And the pipeline was launched with "--only analyze"
      When the pipeline of another repository with the same name is launched
      Then it is refused with exit code 2: pipelines/sample: belongs to {this}, and this is {other}; give the pipeline another name: --set pipeline_name=NAME
      And no file of the pipeline has changed

  @REQ-PIPELINE-10
  Rule: However a pipeline ends, launching it again leads to the same manifest

    @blocker
    Scenario: Killed at many instants, it ends in the manifest of one that was left alone
      Given a tiny pipeline on a repository of 6 commits
      When the pipeline is killed at 6 instants spread over its launch, and launched again each time
      Then each time the manifest is that of a pipeline that was left alone, but for the times
      And each time nothing half-written is left

    Scenario Outline: <signal> ends it with its exit code, and the manifest says so
      Given a tiny pipeline on a repository of 6 commits
      When the pipeline is sent <signal> while it scrapes
      Then its exit code is <code>, and its last words are "interrupted by <signal>; nothing that was saved is lost, launch again to go on"
      And the manifest says interrupted, as does its phase scrape
      And the manifest's reason names <signal>
      And launched again it ends in the manifest of one that was left alone, but for the times

      Examples:
        | signal  | code |
        | SIGTERM | 143  |
        | SIGINT  | 130  |
