@allure.label.epic:Pipeline @critical
Feature: Commits and files become vectors in an index that stays up to date with little work
  A repository is asked in words long after it was read, and it changes every day.
  Only what is new is embedded, nothing is lost or doubled by a crash, and every refusal says what to do.

  @REQ-EMBED-01
  Rule: The index holds every commit and every piece of every file, once

    Scenario: What is in the repository is in the index, and what describes it is sorted
      Given a repository of which 6 commits add a module each
      When it is embedded
      Then the index stands for 6 commits and 6 files, with vectors of 384 numbers and length 1
      And the list of its points is sorted, names each once, and agrees with the vectors

    Scenario: Two embeddings of one repository agree to the last byte
      Given a repository of which 6 commits add a module each
      When it is embedded in two folders
      Then both describe their index with the same bytes, and have the same vectors

    Scenario: Only the newest commits are embedded where that is asked for
      Given a repository of which 6 commits add a module each
      And embed.max_commits is 2
      When it is embedded
      Then the commits in the index are the last 2

    Scenario: A path that is no UTF-8 and an empty repository do no harm
      Given a repository with a file whose path is no UTF-8
      When it is embedded
      Then the index names the file "odd\udcff.py"

    Scenario: A phase that is switched off is skipped, and says why
      Given a repository of which 1 commits add a module each
      And embed.enabled is false
      When it is embedded
      Then the phase is skipped: "embed.enabled is false"
      And nothing stands in the folder of the index

    Scenario: Without the history, the phase that makes it is named
      When a pipeline without history is embedded
      Then it fails with one line that has "history/commits.jsonl: is missing; the phase scrape makes it"

  @REQ-EMBED-02
  Rule: What is in the index already is not embedded again

    Scenario Outline: After <change>, <embedded> texts are embedded and <removed> points are removed
      Given a repository of which 6 commits add a module each
      And it was embedded
      When after <change> it is embedded again
      Then <embedded> texts were embedded, <kept> were kept and <removed> points were removed
      And the index is the one that a first embedding makes

      Examples:
        | change                                  | embedded | kept | removed |
        | nothing                                 | 0        | 12   | 0       |
        | one more commit                         | 2        | 12   | 0       |
        | a changed file in one more commit       | 2        | 11   | 1       |
        | the loss of the last commit             | 0        | 10   | 2       |
        | new lines above a function in a file    | 2        | 12   | 0       |

    @blocker
    Scenario Outline: Killed <moment>, and launched again, it ends in the same index
      Given a repository of which 12 commits add a module each
      When embedding is killed <moment>, and launched again
      Then the index is the one that a first embedding makes
      And texts that were stored before the kill were not embedded again

      Examples:
        | moment                          |
        | with 10 points stored           |
        | before points.jsonl is there    |
        | before index.json is there      |

  @REQ-EMBED-03
  Rule: Texts of about one length are embedded together, because each is padded to the longest beside it

    Scenario: Fewer tokens are padding, and every text keeps its own vector
      Given 24 texts of very different lengths, the long among the short
      When they are embedded in batches of 6
      Then the model reads less than half the padding of batches in the given order
      And each vector is the one that its text has alone

    Scenario: Vectors have the length 1, whatever the model gives
      Given an embedding model whose vectors have any length
      When it embeds texts and a question
      Then each vector has the length 1

  @REQ-EMBED-04
  Rule: Models are named, checked, and never executed

    Scenario: Another model of the same dimension makes every vector anew, and says so
      Given a repository of which 3 commits add a module each
      And it was embedded with a model of dimension 32
      When it is embedded again with another model of dimension 32
      Then 6 texts were embedded, 0 were kept and 0 points were removed
      And the user is told that 6 vectors are of another model

    Scenario: A model of another dimension is refused in one line, and the index stays
      Given a repository of which 3 commits add a module each
      And it was embedded with a model of dimension 32
      When it is embedded again with another model of dimension 48
      Then it is refused with one line that has "gives vectors of 48 numbers" and "have 32"
      And the index is as it was

    @blocker
    Scenario Outline: A model that <mistake> is refused
      Given a repository of which 1 commits add a module each
      And an embedding model that <mistake>
      When it is embedded
      Then it is refused with one line that has "embed.model" and "<message>"
      And no code of the model was run

      Examples:
        | mistake                            | message                                  |
        | has pickled weights alone          | may hold code                            |
        | has pickled weights in a module    | may hold code                            |
        | asks for a class of its own        | asks for code of its own                 |
        | is no sentence-transformers model  | has no modules.json                      |
        | is a package that is not installed | is not installed here                    |
        | is damaged                         | cannot be loaded                         |

  @REQ-EMBED-05
  Rule: An index on a server is as good as one in a folder, and its failures are one line

    Scenario: A server holds the same vectors, and a second embedding sends none
      Given a repository of which 6 commits add a module each
      And a Qdrant server
      When it is embedded there twice
      Then the server has the vectors that a folder would have
      And 0 texts were embedded, 12 were kept and 0 points were removed

    Scenario: What changes is changed on the server, too
      Given a repository of which 6 commits add a module each
      And a Qdrant server
      And it was embedded
      When after new lines above a function in a file it is embedded again
      Then 2 texts were embedded, 12 were kept and 0 points were removed
      And the server has the vectors that a folder would have

    Scenario Outline: A server that <fault> fails the phase with one line
      Given a repository of which 1 commits add a module each
      And a Qdrant server that <fault>
      When it is embedded
      Then it fails with one line that names the server and has "<message>"

      Examples:
        | fault        | message                           |
        | answers 500  | failed (HTTP 500)                 |
        | wants a key  | set QDRANT_API_KEY                |

    Scenario: A server that is down fails the phase with one line
      Given a repository of which 1 commits add a module each
      And the address of a Qdrant server that is down
      When it is embedded
      Then it fails with one line that names the server and has "start it, or correct embed.url"

    Scenario: A server that wants a key gets it from the environment
      Given a repository of which 1 commits add a module each
      And a Qdrant server that wants a key
      And the variable QDRANT_API_KEY is the-key
      When it is embedded
      Then 2 texts were embedded, 0 were kept and 0 points were removed

    Scenario: A server that never answers is given up
      Given a repository of which 6 commits add a module each
      And a Qdrant server that never answers
      When it is asked, with 1 second to answer
      Then it fails within 15 seconds with one line that names the server and has "does not answer"

    @blocker
    Scenario: A server that died and came back gets only what it lacks
      Given a repository of which 6 commits add a module each
      And a Qdrant server that dies at the second batch
      When it is embedded in batches of 4, the server comes back, and it is embedded again
      Then 8 texts were embedded, 4 were kept and 0 points were removed
      And the server has the vectors that a folder would have

    Scenario Outline: The address <address> is refused
      Given a repository of which 1 commits add a module each
      And embed.url is <address>
      When it is embedded
      Then it is refused with one line that has "<rule>" and "<remedy>"

      Examples:
        | address                | rule                         | remedy                              |
        | localhost:6333         | is no address of a server    | write it like http://localhost:6333 |
        | ftp://localhost        | is no address of a server    | write it like http://localhost:6333 |
        | http://host:port       | is no address of a server    | write it like http://localhost:6333 |
        | http://me:secret@host  | leave out name and password  | QDRANT_API_KEY holds the key        |

  @REQ-EMBED-06
  Rule: A folder of an index that others use, or have made, is opened with care

    Scenario: An index that another process has open is left alone
      Given a repository of which 1 commits add a module each
      And it was embedded
      When it is embedded while another process has the index open
      Then it fails with one line that has "another process uses this index"

    @blocker
    Scenario Outline: An index with <content> is not opened, and nothing in it is run
      Given a repository of which 1 commits add a module each
      And it was embedded
      And the folder of the index has <content>
      When it is embedded
      Then it fails with one line that has "<reason>; this is not as Qdrant writes it, so it is not opened"
      And no code in the index was run

      Examples:
        | content                            | reason                                                         |
        | a point that runs code             | storage.sqlite holds builtins.exec, which is not a point       |
        | a view in the place of the points  | storage.sqlite holds other tables                              |
        | a link in the place of the points  | collection/texts/storage.sqlite is a symbolic link             |
        | a collection outside of it         | meta.json names collections beside texts                       |
        | a file of another kind             | setup.py is not a part of an index                             |
        | a damaged table                    | database disk image is malformed                               |

    Scenario: An index that was killed when its folder had just been made is made again
      Given a repository of which 1 commits add a module each
      And the folder of the index has an empty list of collections alone
      When it is embedded
      Then 2 texts were embedded, 0 were kept and 0 points were removed

    Scenario: An index that finds no space fails in one line, and goes on when there is space again
      Given a repository of which 6 commits add a module each
      When it is embedded where no file may pass 20000 bytes, and again where it may
      Then it failed with one line that has "the index could not be written"
      And the index is the one that a first embedding makes
