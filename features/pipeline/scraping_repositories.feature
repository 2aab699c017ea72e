@allure.label.epic:Pipeline
@critical
Feature: A whole repository is scraped, again and again, without harm to it or to whoever scrapes it
  Repositories grow, are rewritten, are cut short, and come from strangers. What is scraped is what is committed, what
  is left out is stated, and a later scrape reads only what is new.

  @REQ-SCRAPE-05
  Rule: Every commit of every branch and tag stands there once, the oldest first, with what contains it

    Scenario: Parents stand before children, and otherwise the oldest first
      Given a repository with merged, unmerged and tagged branches
      When it is scraped
      Then each commit stands there once, and no other
      And each commit stands behind its parents
      And of commits that are not related, the older one stands first

    Scenario: A child that is older than its parent stands behind it
      Given a repository with a child that is older than its parent
      When it is scraped
      Then each commit stands behind its parents

    Scenario: Branches and tags that contain a commit are those that git names
      Given a repository with merged, unmerged and tagged branches
      When it is scraped
      Then each commit's branches are those of git branch --contains
      And each commit's tags are those of git tag --contains

    Scenario: A clone knows the branches of where it came from
      Given a clone of a repository with merged, unmerged and tagged branches
      When it is scraped
      Then each commit stands there once, and no other
      And the oldest commit is in the branches main, origin/main, origin/merged and origin/unmerged

    Scenario Outline: <kind> gives the same commits
      Given a repository with merged, unmerged and tagged branches
      When <kind> of it is scraped
      Then the same commits are there as in the repository itself

      Examples:
        | kind                              |
        | a bare clone                      |
        | a linked working tree             |
        | a clone whose HEAD is detached    |
        | a bare clone whose HEAD names nothing |
        | a packed bare clone               |

    Scenario: Only the newest commits, where that is asked for
      Given a repository with merged, unmerged and tagged branches
      When it is scraped with scrape.max_commits 3
      Then the commits are the last 3 of all
      And it is stated "5 older commits left out, by scrape.max_commits"

    Scenario: Ids may be SHA-256
      Given a repository of 3 commits whose ids are SHA-256
      When it is scraped
      Then each commit stands there once, and no other
      And the files and their numbers are those of git show --numstat

    Scenario: Two processes leave what one leaves
      Given a repository of 1,200 commits
      When it is scraped
      Then the numbers of a sample of commits are those of git
      And each commit stands behind its parents

  @REQ-SCRAPE-06
  Rule: A later scrape reads only what is new, and leaves what a scrape from scratch would leave

    Scenario Outline: After <event>
      Given a repository with merged, unmerged and tagged branches that has been scraped
      And since then <event>
      When it is scraped
      Then the diffs of <read> commits are read
      And the files are those of a scrape from scratch, byte for byte

      Examples:
        | event                                    | read |
        | nothing                                  | 0    |
        | a new commit                             | 1    |
        | a merge of the unmerged branch           | 1    |
        | a branch of commits with old dates       | 2    |
        | a new tag on the oldest commit           | 0    |
        | a removed branch                         | 0    |
        | a removed branch and its tag             | 0    |
        | a newest commit that is written anew     | 1    |
        | a change of every author's name          | 8    |
        | a longer limit of max_patch_lines        | 8    |
        | a flipped byte in the scraped commits    | 8    |
        | a summary that is cut short              | 8    |

    Scenario: What was read before is not read again
      Given a repository with merged, unmerged and tagged branches that has been scraped
      And since then an old version of a file is removed from the object store
      When it is scraped
      Then the diffs of 0 commits are read

    Scenario: A shallow clone that is deepened
      Given a shallow clone with 2 of 5 scraped commits that is then deepened
      When it is scraped
      Then the diffs of 5 commits are read
      And the files are those of a scrape from scratch, byte for byte

    Scenario: A scrape that is killed leaves the old records or the new, and the next one goes on
      Given a repository with merged, unmerged and tagged branches that has been scraped
      And since then a new commit
      When the scrape is killed at 12 instants, each time from the same state
      Then each time the records are those of before or those of after, whole
      And each time the next scrape reads no more than what is new, and leaves the same bytes and nothing else

  @REQ-SCRAPE-07
  Rule: The snapshot is what is committed at HEAD

    Scenario: Every field of a file's record
      Given a repository with a licence, a module that was changed twice, and a file in another language
      When it is scraped
      Then the file src/part.py has this record
        | field       | value                       |
        | language    | python                      |
        | licence     | MIT                         |
        | bytes       | 6                           |
        | text        | a = 3\n                     |
        | last_commit | the commit "Change it again" |
        | author      | Grace                       |
        | time        | 1700007200                  |
        | redactions  | []                          |

    Scenario: The newest commit that changed a file is the one that git names
      Given a repository with merged, unmerged and tagged branches
      When it is scraped
      Then the last commit of each file is that of git rev-list

    Scenario: A merge that changes a file is its last commit
      Given a repository with a merge that changes something
      When it is scraped
      Then the last commit of a.txt is the odd commit

    Scenario: Files are chosen, what is left out is counted, and the ratio is stated
      Given a repository with a file of every kind
      When it is scraped with scrape.max_file_bytes 1000
      Then the snapshot has the files café.md, plain.py
      And left out of the snapshot are
        | reason                  | count |
        | binary                  | 1     |
        | empty                   | 1     |
        | larger than 1,000 bytes | 1     |
        | not UTF-8               | 1     |
        | submodule               | 1     |
        | symbolic link           | 1     |
      And the coverage is 2 of 8 files, and 26 of 1246 bytes

    Scenario Outline: Files by <setting>
      Given a repository with a licence, a module that was changed twice, and a file in another language
      When it is scraped with <setting> <value>
      Then the snapshot has the files <files>

      Examples:
        | setting          | value       | files                     |
        | scrape.languages | [python]    | src/part.py               |
        | scrape.exclude   | ["src/*"]   | pyproject.toml, main.rs          |
        | redact.licences  | [MIT]       | pyproject.toml, main.rs, src/part.py |
        | redact.licences  | [Apache-2.0] | nothing                  |

    Scenario: What is not committed is left out and counted
      Given a repository with a licence, a module that was changed twice, and a file in another language
      And 1 changed and 2 new files in its working tree
      When it is scraped
      Then the file src/part.py has this record
        | field | value   |
        | text  | a = 3\n |
      And it is stated "3 uncommitted changes left out"

  @REQ-SCRAPE-08
  Rule: Nothing is stored before secrets and addresses are taken out

    Scenario: No trace of a key, a token or an address is left in any file
      Given a repository with secrets in a message, in a heading, in a diff and in a file
      When it is scraped with redact.emails hash
      Then none of the secrets is in any byte that was stored
      And they are counted by kind and place
      And every line of every hunk still begins as a line of a diff

    Scenario: Addresses stay where that is asked for
      Given a repository with secrets in a message, in a heading, in a diff and in a file
      When it is scraped with redact.emails keep
      Then the address ada@example.org is in the records

    Scenario: Commits that are looked at together are redacted one by one
      Given a repository of 60 commits, of which every fifth has a token in its message, and every seventh in its file
      When it is scraped
      Then each token is replaced and counted where it stands, and all else is as it was

  @REQ-SCRAPE-09
  Rule: What a repository brings along is neither run nor obeyed, and what is missing is stated

    @blocker
    Scenario: Nothing that the repository brings along is run
      Given a hostile repository that names programs for every occasion
      When it is scraped
      Then the repository was read, and none of its programs was run

    Scenario: Configuration and attributes change nothing
      Given a repository with merged, unmerged and tagged branches that has been scraped
      And since then a configuration and attributes that change how git shows differences
      When it is scraped
      Then the files are those of before, byte for byte

    Scenario: The repository is left as it was
      Given a repository with merged, unmerged and tagged branches
      When it is scraped
      Then no file of the repository was changed

    Scenario: A shallow clone is stated, and its boundary's changes are not invented
      Given a shallow clone with 2 of 4 commits to scrape
      When it is scraped
      Then it is stated "shallow clone: the parents of 1 commit not cloned"
      And the commit at the boundary has no changes, the flag shallow and a note

    Scenario: Grafts and replacements are stated, and not followed
      Given a repository with 2 grafts and 1 replacement object
      When it is scraped
      Then it is stated "2 grafts not followed"
      And it is stated "1 replacement object not followed"
      And the subjects are First, Second, Third

    Scenario: A tag that names no commit is stated
      Given a repository with a tag of a file
      When it is scraped
      Then it is stated "1 tag without a commit"

  @REQ-SCRAPE-10
  Rule: What cannot be scraped is refused in one line, and what was there stays

    Scenario Outline: <state>
      Given a repository with merged, unmerged and tagged branches that has been scraped
      And since then <state>
      When one tries to scrape it
      Then it is refused in one line that says <words>
      And the records of before are whole

      Examples:
        | state                            | words                                    |
        | a missing file content           | git fsck                                 |
        | a damaged file content           | git fsck                                 |
        | a missing commit                 | git fsck                                 |
        | a damaged commit                 | git fsck                                 |
        | a missing folder                 | git fsck                                 |
        | a branch that names nothing      | is missing                               |
        | no branch at all                 | has no commits; commit something first   |
        | room for 2,000 bytes alone       | could not be written: File too large     |
        | a damaged commit, and an unknown language | 'pyhton' is not a known language    |
        | an unknown language              | 'pyhton' is not a known language; did you mean python? |
