# The manifest of a pipeline, and the page about it.
@allure.label.epic:Pipeline @critical
Feature: One file says what a pipeline has done, and can be held against what is on disk
  Whoever is handed a model can see what it was made of and that nothing was changed since,
  and whoever runs into a failure finds it written down.

  @REQ-PIPELINE-11
  Rule: What is on disk is checked against the manifest

    Scenario: A pipeline that is whole verifies, and its manifest follows the published schema
      Given a tiny pipeline whose cheap phases were done
      When it is verified
      Then verifying exits with 0 and ends with "pipelines/sample: partial; every file is what the manifest says"
      And the manifest follows the JSON Schema that foundry prints

    Scenario Outline: <damage> is named
      Given a tiny pipeline whose cheap phases were done
      And its folder is damaged: <damage>
      When it is verified
      Then verifying exits with <code> and ends with "<message>"

      Examples:
        | damage                              | code | message                                                                                                                   |
        | a flipped byte in an output         | 1    | pipelines/sample: scrape: history/files.jsonl does not have the SHA-256 that the manifest lists                           |
        | a missing output                    | 1    | pipelines/sample: tokenize: sequences/train.bin is missing                                                                |
        | a link in place of an output        | 1    | pipelines/sample: scrape: history/files.jsonl does not have the SHA-256 that the manifest lists                           |
        | a changed number                    | 1    | pipelines/sample/manifest.json: does not have the SHA-256 that it names itself                                            |
        | a cut end                           | 1    | pipelines/sample/manifest.json: is not JSON: Expecting value in line 1, column 1                                          |
        | settings of another phase           | 1    | pipelines/sample: scrape: its fingerprint does not follow from its settings and inputs                                    |
        | an earlier phase that failed        | 1    | pipelines/sample: tokenize: is complete, and scrape, which it needs, is failed                                            |
        | a status that its phases contradict | 1    | pipelines/sample: manifest.json: says complete, and by its phases it is partial                                           |
        | an output outside the folder        | 1    | pipelines/sample/manifest.json: is not a pipeline's manifest: phases.scrape.outputs: the output ../outside does not lie inside the folder |
        | an unknown key                      | 1    | pipelines/sample/manifest.json: is not a pipeline's manifest: phases.scrape.surprise: Extra inputs are not permitted      |
        | phases in another order             | 1    | pipelines/sample/manifest.json: is not a pipeline's manifest: phases: its phases are not analyze, scrape, tokenize, embed, train, evaluate, or in another order |
        | a later version                     | 2    | pipelines/sample/manifest.json: written in version 2, this foundry reads version 1; use the foundry that wrote it, or another output_dir |
        | no manifest                         | 2    | pipelines/sample: no pipeline here (manifest.json is missing); `foundry pipeline` makes one                               |

    Scenario: A damaged manifest is set aside, and every phase is done anew
      Given a tiny pipeline whose cheap phases were done
      And its folder is damaged: a changed number
      When the pipeline is launched with "--only analyze,scrape"
      Then these phases were done: analyze, scrape
      And a warning says that the manifest is set aside as damaged-manifest.json

  @REQ-PIPELINE-12
  Rule: A failure is one line, and the manifest keeps it

    Scenario Outline: <source> is refused in one line, which the manifest keeps
      Given a pipeline of <source>
      When the pipeline is launched with "--only analyze,scrape"
      Then the launch ends with exit code <code> and one line: <message>
      And the manifest says failed, with that line

      Examples:
        | source                 | code | message                                                                                    |
        | a folder without git   | 2    | sample is not a git repository; name the folder of one, or its URL                         |
        | nothing                | 2    | no folder at sample                                                                        |
        | an empty repository    | 2    | sample has no commits; commit something first                                              |
        | a URL without a server | 2    | http://127.0.0.1:9/sample.git cannot be cloned:                                            |

    Scenario: A damaged object fails the phase that meets it, in one line
      Given a pipeline of a repository that lost a file's content
      When the pipeline is launched with "--only analyze,scrape"
      Then the command has exited with 1
      And a phase has failed in one line with "is missing"

    Scenario: A password in a URL stands nowhere
      Given a pipeline of a URL without a server, with the password "hunter2"
      When the pipeline is launched with "--only analyze"
      Then the command has exited with 2
      And neither the manifest nor what was printed holds "hunter2"

    Scenario: What was done stays where the repository cannot be read later
      Given a tiny pipeline whose cheap phases were done
      And its repository is gone
      When the pipeline is launched with "--only analyze"
      Then the launch ends with exit code 2 and one line: no folder at sample
      And the manifest says failed, with that line
      And its phases are complete as before

  @REQ-PIPELINE-13
  Rule: A page shows it all to people

    Scenario: The page holds what a product owner asks for, and loads nothing
      Given a tiny pipeline whose cheap phases were done
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then the page of the pipeline shows
        | text                             |
        | pipeline sample                  |
        | partial                          |
        | ✓ complete                       |
        | commits                          |
        | python                           |
        | What was replaced                |
        | tokens to learn from             |
        | Length of training               |
        | Manifest                         |
      And the page loads nothing from outside

    Scenario: Names from a repository are shown as text
      Given a pipeline of a repository in the folder "<script>alert(1)</script>"
      When the pipeline is launched with "--only analyze"
      Then the page of the pipeline holds no script

    Scenario: A failure stands at the top of the page
      Given a pipeline of an empty repository
      When the pipeline is launched with "--only analyze"
      Then the page of the pipeline shows
        | text                                          |
        | failed                                        |
        | What is wrong                                 |
        | sample has no commits; commit something first |
