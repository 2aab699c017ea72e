@allure.label.epic:Pipeline @critical
Feature: Bad input of a pipeline is met with one clear line, and what was done is kept
  A long act must say at once what is wrong and what to do, leave a manifest that says so, too, and lose nothing of what
  was done before.

  @REQ-PIPELINE-40
  Rule: A repository that cannot be read is refused in one line, which the manifest keeps

    Scenario Outline: <repository> is refused
      Given <repository> as the repository of a pipeline
      When the pipeline is launched with "--only analyze,scrape"
      Then one line on standard error says "<message>", and the exit code is 2
      And the manifest says that nothing could be begun, for the same reason

      Examples:
        | repository                    | message                                                                                       |
        | nothing                       | no folder at sample                                                                           |
        | a file                        | sample: is a file, not a repository; a configuration is named by --config sample              |
        | a folder without git          | sample is not a git repository; name the folder of one, or its URL                            |
        | a repository without commits  | sample has no commits; commit something first                                                 |
        | a repository without its HEAD | sample is not a git repository; name the folder of one, or its URL                            |
        | a URL with nothing behind it  | file:///nowhere/sample cannot be cloned: '/nowhere/sample' does not appear to be a git repository |
        | a URL of no server            | http://127.0.0.1:1/sample.git cannot be cloned: *                                             |
        | a URL that runs a program     | no folder at ext::touch canary                                                                |

  @REQ-PIPELINE-41
  Rule: Unusual repositories are as good as others

    Scenario Outline: <repository> is learned from, all 6 commits of it
      Given <repository> as the repository of a pipeline
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then these phases were done: analyze, scrape, tokenize
      And 6 commits were scraped
      And the manifest says of the repository that <facts>

      Examples:
        | repository                         | facts                                    |
        | a bare repository                  | it is bare, at main                      |
        | a repository with a detached head  | it is at no branch                       |
        | a linked working tree              | it is at other                           |
        | a folder within a repository       | it is at main                            |

  @REQ-PIPELINE-42
  Rule: A damaged repository fails the phase that reads it, and nothing else

    Scenario Outline: Where <object> in a new commit, scraping fails in one line, and what was scraped before stays
      Given a tiny pipeline whose cheap phases were done
      And a new commit in which <object>
      When the pipeline is launched with "--only scrape,tokenize"
      Then the command has exited with 1
      And a phase has failed in one line that has "<words>"
      And all that the pipeline had done before is there

      Examples:
        | object              | words                  |
        | the tree is corrupt | check it with git fsck |
        | the tree is missing | check it with git fsck |
        | a file is corrupt   | check it with git fsck |
        | a file is missing   | check it with git fsck |

  @REQ-PIPELINE-43
  Rule: A disk that takes nothing more fails the phase that writes, and it goes on once there is room

    Scenario: A full disk fails a phase in one line, and what was done before stays
      Given a tiny pipeline on a repository of 6 commits, on a disk of 1 MB
      And the pipeline was launched with "--only analyze,scrape"
      And the disk is full but for 24 KB
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then the command has exited with 1
      And a phase has failed in one line that has "No space left on device"
      And all that the pipeline had done before is there, and vouched for

    Scenario: With room again, the next launch does what is left
      Given a tiny pipeline on a repository of 6 commits, on a disk of 1 MB
      And the pipeline was launched with "--only analyze,scrape"
      And the disk is full but for 24 KB
      And the pipeline was launched with "--only analyze,scrape,tokenize"
      And the disk has room again
      When the pipeline is launched with "--only analyze,scrape,tokenize"
      Then these phases were done: tokenize
      And the manifest says partial, and all that was asked for is complete

    Scenario: A folder that may not be written to is named
      Given a tiny pipeline on a repository of 6 commits, on a disk of 1 MB
      And the disk is read-only
      When the pipeline is launched with "--only analyze"
      Then one line on standard error says "pipelines/sample: Read-only file system", and the exit code is 1

    Scenario: A file where the folder of pipelines should be is named
      Given a tiny pipeline on a repository of 6 commits
      And a file named pipelines
      When the pipeline is launched with "--only analyze"
      Then one line on standard error says "pipelines/sample: a file stands where a folder is to be made; name another --output-dir", and the exit code is 2

  @REQ-PIPELINE-44
  Rule: A manifest that cannot be used costs nothing but what it vouches for

    Scenario: One of a newer version is left alone
      Given a tiny pipeline whose cheap phases were done
      And its manifest is of version 2
      When the pipeline is launched again, with "--only analyze"
      Then one line on standard error says "pipelines/sample/manifest.json: written in version 2, this foundry reads version 1; use the foundry that wrote it, or another output_dir", and the exit code is 2
      And no file below pipelines has changed

    Scenario Outline: A manifest <damage> is set aside with a warning, and the phases are looked at anew
      Given a tiny pipeline whose cheap phases were done
      And its manifest <damage>
      When the pipeline is launched again, with "--only analyze"
      Then one line on standard error says "pipelines/sample/manifest.json: *; it is set aside as damaged-manifest.json, and every phase is looked at anew", and the exit code is 0
      And these phases were done: analyze

      Examples:
        | damage               |
        | is cut in the middle |
        | is empty             |
        | has a changed digit  |
        | is no text           |

  @REQ-PIPELINE-45
  Rule: An index or prompts that cannot be used are told, and nothing that was done is lost

    Scenario: Prompts with a mistake are refused before anything is done
      Given a tiny pipeline whose cheap phases were done
      And its configuration names prompts with a mistake in them
      When the pipeline is launched with "--only analyze,evaluate"
      Then one line on standard error says "mine.yaml: prompts[0].expect[0]: *", and the exit code is 2
      And the manifest says the same, and that nothing else has changed
      And all that the pipeline had done before is there, and vouched for

    Scenario: An index that another process has open fails the phase embed
      Given a tiny pipeline whose cheap phases were done
      And its configuration asks for an index
      And another process has its index open
      When the pipeline is launched with "--only analyze,scrape,embed"
      Then the command has exited with 1
      And the phases were
        | phase    | status    | what                              |
        | analyze  | unchanged |                                   |
        | scrape   | unchanged |                                   |
        | embed    | failed    | another process uses this index   |
      And all that the pipeline had done before is there, and vouched for
