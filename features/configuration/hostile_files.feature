@allure.label.epic:Configuration
@critical
Feature: A hostile experiment file is refused before it costs memory or time
  Experiments are mailed, downloaded and generated. Whatever stands in the file, checking it runs no code, takes
  no memory that a few bytes can ask for, and says in one line what was wrong.

  @REQ-HOSTILE-09
  Rule: No text can make the reader run code, run out of memory, or run for ever

    Scenario: Hostile files are refused
      When each of these is planted into an experiment's file that is checked
        | hostile                             | said                                                      |
        | a billion laughs                    | holds more than 10,000 values, aliases followed           |
        | a billion merges                    | holds more than 10,000 values, aliases followed           |
        | an alias inside itself              | an alias contains itself                                  |
        | a mapping that merges itself        | an alias contains itself                                  |
        | lists without end                   | is nested too deeply                                      |
        | mappings without end                | is nested too deeply                                      |
        | lines indented without end          | is nested too deeply                                      |
        | a million commas                    | line 4, column 5                                          |
        | a million values                    | holds more than 10,000 values                             |
        | a decimal number without end        | line 3, column 25: a number of more than 100 characters   |
        | a hexadecimal number without end    | line 3, column 25: a number of more than 100 characters   |
        | a number of 60s without end         | line 3, column 25: a number of more than 100 characters   |
        | a fraction of 60s without end       | line 3, column 25: a number of more than 100 characters   |
        | a number in quotes without end      | training.train_steps: must be a number, got               |
        | a key without end                   | unknown key                                               |
        | a tag without end                   | is not read here; remove it                               |
        | an anchor without end               | a: unknown key                                            |
        | a value without end                 | experiment_name: must be 1 to 100 letters                 |
        | thousands of unknown keys           | and 4,400 more                                            |
        | terminal commands for a key         | unknown key                                               |
        | terminal commands for a value       | experiment_name: must be 1 to 100 letters                 |
        | half a pair for a name              | experiment_name: must be 1 to 100 letters                 |
        | a zero byte in a path               | data.source_corpus: must name a file or a folder          |
        | a zero byte in the file             | not valid YAML: the character U+0000 may not occur        |
        | layers beyond every machine         | model.layers: must be at most 10,000, got 1000000000000   |
        | a width beyond every machine        | model.hidden_size: must be at most 16,777,216, got        |
        | blocks beyond every machine         | data.max_sequence_length: must be at most 16,777,216, got |
        | a name that leaves its folder       | experiment_name: must be 1 to 100 letters                 |
        | an option of git for a revision     | data.git.revision: must not be empty or begin with a dash |
        | the tag of os.system                | is not read here; remove it                               |
        | the tag of builtins.exec            | is not read here; remove it                               |
        | the tag of subprocess.check_output  | is not read here; remove it                               |
        | a pickle for an experiment          | is not UTF-8 text                                         |
        | an experiment of 3 GB               | is larger than 1,000,000 bytes                            |
        | a named pipe for an experiment      | is not a regular file                                     |
        | a socket for an experiment          | is not a regular file                                     |
        | an endless device for an experiment | is not a regular file                                     |
        | a link to itself for an experiment  | cannot be read                                            |
      Then each is refused in one line with its words, exit code 2
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time
