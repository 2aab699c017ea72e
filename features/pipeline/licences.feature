@allure.label.epic:Pipeline
@normal
Feature: The licence of each file is known, so that a corpus can be chosen by licence
  Not every file may be learned from. What a file says of itself counts first, then what its folder says, then the folder
  above; and where nobody says anything, nothing is claimed.

  @REQ-LICENCE-01
  Rule: A licence text is recognised by what is characteristic for it

    Scenario Outline: The text of <licence> is recognised
      When a file lies beside a LICENSE with the text of <licence>
      Then its licence is <licence>

      Examples:
        | licence           |
        | 0BSD              |
        | AGPL-3.0-only     |
        | Apache-2.0        |
        | BSD-2-Clause      |
        | BSD-3-Clause      |
        | BSL-1.0           |
        | CC0-1.0           |
        | EPL-2.0           |
        | GPL-2.0-only      |
        | GPL-3.0-only      |
        | ISC               |
        | LGPL-2.1-only     |
        | LGPL-3.0-only     |
        | MIT               |
        | MPL-2.0           |
        | Unlicense         |
        | Zlib              |

    @critical
    Scenario: The licence files of installed packages are recognised as their metadata says
      When the licence files of these installed packages are read
        | package           | licence      |
        | accelerate        | Apache-2.0   |
        | attrs             | MIT          |
        | behave            | BSD-2-Clause |
        | click             | BSD-3-Clause |
        | hypothesis        | MPL-2.0      |
        | networkx          | BSD-3-Clause |
        | peft              | Apache-2.0   |
        | pydantic          | MIT          |
        | Pygments          | BSD-2-Clause |
        | transformers      | Apache-2.0   |
        | typing_extensions | PSF-2.0      |
        | matplotlib        |              |
      Then each is what stands beside it

  @critical @REQ-LICENCE-02
  Rule: What a file says of itself counts before what its folders say

    Scenario: Headers of all kinds are understood
      Given a tree with these licence files
        | path    | text of |
        | LICENSE | MIT     |
      When the licences of files with these first lines are asked for
        | first lines                                                                                        | licence                                   |
        | # SPDX-License-Identifier: Apache-2.0                                                              | Apache-2.0                                |
        | /* SPDX-License-Identifier: (GPL-2.0+ OR BSD-3-Clause) */                                          | (GPL-2.0-or-later OR BSD-3-Clause)        |
        | // SPDX-License-Identifier: gpl-2.0-only WITH Classpath-exception-2.0                              | GPL-2.0-only WITH Classpath-exception-2.0 |
        | <!-- SPDX-License-Identifier: LGPL-2.1 -->                                                         | LGPL-2.1-only                             |
        | # Licensed under the Apache License, Version 2.0 (the "License");                                  | Apache-2.0                                |
        | # under the terms of the GNU General Public License, version 3 of the License, or any later version | GPL-3.0-or-later                          |
        | # under the terms of version 2 of the GNU General Public License as published                      | GPL-2.0-only                              |
        | # under the terms of the GNU Lesser General Public License; version 2.1 of the License.            | LGPL-2.1-only                             |
        | # SPDX-License-Identifier: ( MIT AND                                                               | MIT                                       |
        | print("the license of this program is not said")                                                   | MIT                                       |
      Then each is what stands beside it

  @critical @REQ-LICENCE-03
  Rule: Otherwise the nearest statement upwards holds

    Scenario: Each file has the licence of its nearest folder that says something
      Given a tree with these licence files
        | path                           | text of                                           |
        | LICENSE                        | MIT                                               |
        | docs/COPYING.md                | CC0-1.0                                           |
        | crates/fast/Cargo.toml         | [package] license = "MIT/Apache-2.0"              |
        | crates/dual/LICENSE-MIT        | MIT                                               |
        | crates/dual/LICENSE-APACHE     | Apache-2.0                                        |
        | crates/both/LICENSE            | BSD-3-Clause                                      |
        | crates/both/COPYING            | GPL-2.0-only                                      |
        | web/package.json               | {"license": "ISC"}                                |
        | web/vendor/package.json        | {"name": "no licence here"}                       |
        | tool/pyproject.toml            | [project] license = "Apache-2.0"                  |
        | tool/LICENSE                   | MPL-2.0                                           |
        | old/pyproject.toml             | [project] license = {text = "BSD-3-Clause"}       |
        | lesser/COPYING                 | GPL-3.0-only                                      |
        | lesser/COPYING.LESSER          | LGPL-3.0-only                                     |
        | closed/LICENSE                 | All rights reserved. Ask before you use anything. |
        | broken/package.json            | {"license": [[[                                   |
        | noticed/NOTICE                 | This product includes software by others.         |
      When the licences of these files are asked for
        | path                     | licence                         |
        | src/main.py              | MIT                             |
        | docs/deep/er/intro.md    | CC0-1.0                         |
        | crates/fast/src/lib.rs   | MIT OR Apache-2.0               |
        | crates/dual/src/lib.rs   | Apache-2.0 OR MIT               |
        | crates/both/src/lib.rs   | BSD-3-Clause AND GPL-2.0-only   |
        | web/app.js               | ISC                             |
        | web/vendor/lib.js        | ISC                             |
        | tool/run.py              | MPL-2.0                         |
        | old/run.py               | BSD-3-Clause                    |
        | lesser/lib.c             | LGPL-3.0-only                   |
        | closed/secret.py         |                                 |
        | broken/app.js            | MIT                             |
        | noticed/app.py           | MIT                             |
      Then each is what stands beside it

    Scenario: Only files that bear licences are asked for
      When these paths are asked whether they bear a licence
        | path                 | bears |
        | LICENSE              | yes   |
        | docs/LICENCE.txt     | yes   |
        | COPYING.LESSER       | yes   |
        | LICENSE-APACHE       | yes   |
        | UNLICENSE            | yes   |
        | NOTICE.md            | yes   |
        | web/package.json     | yes   |
        | crates/a/Cargo.toml  | yes   |
        | pyproject.toml       | yes   |
        | license.py           | no    |
        | licenses.go          | no    |
        | src/license_check.rs | no    |
        | copying_files.sh     | no    |
        | README.md            | no    |
      Then each is what stands beside it

  @critical @REQ-LICENCE-04
  Rule: A corpus keeps a file only where its licence is allowed

    Scenario: Expressions are allowed by their parts
      When files under these licences are scraped, with what is allowed
        | licence                                   | allowed             | kept |
        | MIT                                       | MIT                 | yes  |
        | mit                                       | MIT                 | yes  |
        | MIT                                       | Apache-2.0          | no   |
        | MIT OR GPL-3.0-only                       | MIT                 | yes  |
        | MIT AND GPL-3.0-only                      | MIT                 | no   |
        | MIT AND GPL-3.0-only                      | MIT, GPL-3.0-only   | yes  |
        | (MIT OR ISC) AND Apache-2.0               | ISC, Apache-2.0     | yes  |
        | (MIT OR ISC) AND Apache-2.0               | ISC, MIT            | no   |
        | MIT AND ISC OR Zlib                       | Zlib                | yes  |
        | GPL-2.0-only WITH Classpath-exception-2.0 | GPL-2.0-only        | yes  |
        | GPL-2.0-or-later                          | GPL-2.0-only        | yes  |
        | GPL-2.0-only                              | GPL-2.0-or-later    | no   |
        | GPL-3.0-only                              | GPL-3.0             | yes  |
        | LicenseRef-Ours                           | LicenseRef-Ours     | yes  |
        |                                           | MIT                 | no   |
        | MIT OR                                    | MIT                 | no   |
      Then each is what stands beside it

  @critical @REQ-LICENCE-05
  Rule: The history holds changes only of files whose licence is known to be allowed

    Scenario: Changes of other files are left out of the history, and that is noted
      Given a repository with files under several licences, and one that is no longer there
      When it is scraped with redact.licences ["MIT"]
      Then the history holds the changes of these files
        | commit    | files   |
        | Begin     | mine.py |
        | Go on     | mine.py |
        | Take away | nothing |
      And each other change is named, counted and noted

    Scenario: A file that comes under another licence takes its earlier changes with it
      Given a repository with files under several licences, and one that is no longer there
      And it has been scraped with redact.licences ["MIT"]
      When a later commit puts mine.py under GPL-3.0-only, and it is scraped again
      Then the history holds the changes of no file
      And the records are those of a scrape from scratch
