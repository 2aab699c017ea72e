@allure.label.epic:Pipeline
@critical
Feature: The history of a repository becomes records, whatever stands in it
  A model learns from what a repository really holds. Each commit is read once, with its diff, and nothing that git
  itself can keep is lost, guessed or taken for something else.

  @REQ-SCRAPE-01
  Rule: A commit's record holds what git knows of it

    Scenario: Every field of a record
      Given a repository in which Ada adds a file, and Grace closes issue #12 a day later
      When it is scraped
      Then the newest commit has this record
        | field                | value                                          |
        | author.name          | Grace                                          |
        | author.email         | grace@example.org                              |
        | author.time          | 1700086400                                     |
        | author.zone          | -0330                                          |
        | committer.name       | Ada                                            |
        | committer.time       | 1700086460                                     |
        | subject              | Read both files                                |
        | body                 | Closes #12, see ABC-7.\n\nThe second is short. |
        | flags                | []                                             |
        | branches             | ["main"]                                       |
        | tags                 | ["v1"]                                         |
        | insertions           | 4                                              |
        | deletions            | 1                                              |
        | issues               | ["#12", "ABC-7"]                               |
        | seconds_since_parent | 86460                                          |
        | complexity           | 0.970951                                       |
        | notes                | []                                             |
        | redactions           | []                                             |
      And its parent is the oldest commit
      And its changes are
        | path  | change   | kind | insertions | deletions | hunks                                       |
        | a.txt | modified | text | 2          | 1         | -1 +1,2: "-one\n+one and a half\n+two\n"    |
        | b.txt | added    | text | 2          | 0         | -0,0 +1,2: "+b\n+c\n"                       |

    Scenario: Subjects, bodies, files and numbers of every commit are those of git itself
      Given a repository with every oddity
      When it is scraped
      Then each commit stands there once, and no other
      And subjects and bodies are those of git log, where git can read them
      And the files and their numbers are those of git show --numstat

    Scenario: The hunks turn each file before a commit into the file after it
      Given a repository with every oddity
      When it is scraped with scrape.max_patch_lines 200000
      Then for every text file of every commit, its hunks make the new content of the old

    Scenario: The numbers of this repository's own history are those of git
      Given this repository
      When it is scraped
      Then the files and their numbers are those of git show --numstat

  @REQ-SCRAPE-02
  Rule: What happens to files is told apart

    Scenario Outline: <oddity>
      Given a repository with <oddity>
      When it is scraped
      Then the odd commit has the changes <changes>

      Examples:
        | oddity                       | changes                                                     |
        | a first commit               | added text a.txt +1 -0                                      |
        | an empty commit              | none                                                        |
        | a commit without any file    | none                                                        |
        | a deleted file               | deleted text a.txt +0 -1                                    |
        | a renamed file               | renamed text old name.txt => new\tname.txt +0 -0            |
        | a renamed and changed file   | renamed text a.txt => d/b.txt +1 -0                         |
        | a change of mode             | mode text a.sh +0 -0                                        |
        | a change of mode and content | modified text a.sh +1 -1                                    |
        | a new empty file             | added text empty +0 -0                                      |
        | a new link                   | added link link +1 -0                                       |
        | a link that becomes a file   | type text l +1 -1                                           |
        | a file that becomes a folder | deleted text f +0 -30, added text f/inside +1 -0            |
        | a new submodule              | added submodule module +1 -0                                |
        | a moved submodule            | modified submodule module +1 -1                             |
        | a changed picture            | modified binary p.png +0 -0                                 |
        | lines without an end         | modified text a.txt +1 -1                                   |
        | lines with two ends          | modified text a.txt +1 -1                                   |
        | lines in Latin-1             | modified text a.txt +1 -1                                   |
        | lines that look like a patch | modified text a.txt +10 -10                                 |
        | a merge                      | added text side-1.txt +1 -0                                 |
        | an octopus merge             | added text side-1.txt +1 -0, added text side-2.txt +1 -0, added text side-3.txt +1 -0 |
        | a merge that changes something | modified text a.txt +1 -1, added text side-1.txt +1 -0    |

    Scenario: Names with tabs, line ends, quotes, backslashes and bytes that are not UTF-8 come through
      Given a repository with names that confuse
      When it is scraped
      Then the odd commit has changed exactly the files that git ls-tree names

    Scenario: A diff of 100,000 lines is cut, its numbers are not, and the record says so
      Given a repository with a diff of 100,000 lines
      When it is scraped with scrape.max_patch_lines 5000
      Then the odd commit has the changes added text long.txt +100000 -0
      And its hunks hold the first 5,000 lines
      And its notes are
        | note                                         |
        | its diff of 100,000 lines is cut after 5,000 |

    Scenario: Of a diff that is larger than the memory for it, the beginning is kept, and the numbers are exact
      Given a repository with a commit of 4 files of 1,960,000 bytes and one small file
      When it is scraped
      Then its files and numbers are those of git show --numstat, as far as they are kept
      And the odd commit inserts 160,001 lines
      And a note says "its diff is cut after 4,000,000 bytes"

    Scenario: Of a commit with more files than there is memory for, those that are left out are counted
      Given a repository with a commit of 20,000 files with long names
      When it is scraped
      Then the odd commit inserts 20,000 lines
      And a note says how many of its 20,000 files are left out

  @REQ-SCRAPE-03
  Rule: People, dates and messages come through as they were written

    Scenario Outline: <oddity>
      Given a repository with <oddity>
      When it is scraped
      Then the odd commit's author is <name> with <email>, at <time> <zone>

      Examples:
        | oddity                        | name                            | email               | time        | zone    |
        | a date before 1970            | Ada                             | ada@example.org     | -86400      | -0800   |
        | a date beyond 2038            | Ada                             | ada@example.org     | 4294967297  | +0000   |
        | a date beyond 2500            | Ada                             | ada@example.org     | 20000000000 | +0000   |
        | a zone of 14 hours            | Ada                             | ada@example.org     | 1700000000  | +1400   |
        | a zone of 51 minutes and more | Ada                             | ada@example.org     | 1700000000  | -005151 |
        | an address with quotes        | Ada                             | "ada b"@example.org | 1700000000  | +0000   |
        | an address with brackets      | Ada                             | ada<at>example.org  | 1700000000  | +0000   |
        | an address with a tab         | Ada                             | ada\tb@example.org  | 1700000000  | +0000   |
        | no address                    | Ada                             | nothing             | 1700000000  | +0000   |
        | no name                       | nothing                         | ada@example.org     | 1700000000  | +0000   |
        | a name with quotes            | Ada "the first" O'Neil, Ph.D.   | ada@example.org     | 1700000000  | +0000   |
        | no date                       | Ada                             | ada@example.org     | 0           | +0000   |
        | a date without end            | Ada                             | ada@example.org     | 0           | +0000   |
        | a signed commit               | Ada                             | ada@example.org     | 1700000000  | +0100   |

    Scenario Outline: <oddity>
      Given a repository with <oddity>
      When it is scraped
      Then the odd commit says "<subject>" and "<body>", with the note "<note>"

      Examples:
        | oddity                                    | subject                                    | body                | note                                       |
        | a message in Latin-1 that says so         | Café                                       |                     |                                            |
        | a message in Shift JIS that says so       | 日本語                                     |                     |                                            |
        | a message in Latin-1 that does not say so | Café                                       |                     | its message or a name is not in UTF-8      |
        | a message in an unknown encoding          | Café                                       |                     | its message or a name is not in klingon    |
        | a message in no encoding for text         | 41                                         |                     | its message or a name is not in hex        |
        | an empty message                          |                                            |                     |                                            |
        | a message of blank lines                  |                                            |                     |                                            |
        | a subject of two lines                    | First line second line                     | Body,\nof two lines. |                                           |
        | a message with a zero byte                | Before�after                               |                     |                                            |
        | a message with two line ends              | Subject                                    | Body                |                                            |
        | a message that looks like a header        | author Mallory <m@example.org> 1 +0000     | parent 00           |                                            |
        | a signed commit                           | Signed                                     |                     |                                            |

    Scenario: A message is cut where it is no message any more
      Given a repository with a message of 3,000,000 bytes
      When it is scraped
      Then a note says "its message of 3,000,000 bytes is cut after 1,000,000"

    Scenario: A line that would take hours to understand is malformed at once
      Given a repository with an author's line of 3,000,000 bytes without a bracket
      When it is scraped
      Then a note says "its author line is malformed: the time is not known"
      And scraping it took less than 20 seconds

  @REQ-SCRAPE-04
  Rule: What a commit is for is read from its message, and from its parents

    Scenario: Flags
      Given a repository with a commit for each of these messages
        | message                                                      |
        | An ordinary change                                           |
        | fixup! An ordinary change                                    |
        | squash! An ordinary change                                   |
        | amend! An ordinary change                                    |
        | Revert "An ordinary change"                                  |
        | Take it back\n\nThis reverts commit 0123456789abcdef0123.    |
        | Everything at once\n\nSquashed commit of the following:\n\na |
      When it is scraped
      Then the commits have these flags
        | subject                     | flags  |
        | An ordinary change          | root   |
        | fixup! An ordinary change   | fixup  |
        | squash! An ordinary change  | squash |
        | amend! An ordinary change   | fixup  |
        | Revert "An ordinary change" | revert |
        | Take it back                | revert |
        | Everything at once          | squash |

    Scenario Outline: <oddity> is flagged
      Given a repository with <oddity>
      When it is scraped
      Then the odd commit has the flags <flags>

      Examples:
        | oddity                    | flags         |
        | an empty commit           | empty         |
        | a commit without any file | empty, root   |
        | a merge                   | merge         |
        | an octopus merge          | merge, octopus |
        | a parent that is named twice | merge      |

    Scenario: Issues
      Given a repository with a commit for each of these messages
        | message                                                                   |
        | Fixes #12 and closes #7, again #12                                        |
        | ABC-34: done, GH-5 too                                                    |
        | See https://host.example/team/project/issues/99 and /pull/100             |
        | UTF-8, SHA-256, ISO-8859-1, CVE-2024-12345 and owner/name#4 are no issues |
        | Colours #12ab and &#39; are no issues                                     |
      When it is scraped
      Then the commits name these issues
        | subject                                                                   | issues    |
        | Fixes #12 and closes #7, again #12                                        | #12, #7   |
        | ABC-34: done, GH-5 too                                                    | ABC-34, GH-5 |
        | See https://host.example/team/project/issues/99 and /pull/100             | #99, #100 |
        | UTF-8, SHA-256, ISO-8859-1, CVE-2024-12345 and owner/name#4 are no issues |           |
        | Colours #12ab and &#39; are no issues                                     |           |

    Scenario Outline: Complexity is the entropy of the changed lines over the files: <lines>
      Given a repository with a commit that adds files of <lines> lines
      When it is scraped
      Then the odd commit has the complexity <bits>

      Examples:
        | lines   | bits     |
        | 10      | 0.0      |
        | 8,8     | 1.0      |
        | 4,4,4,4 | 2.0      |
        | 3,1     | 0.811278 |
        | 0,5     | 0.0      |
