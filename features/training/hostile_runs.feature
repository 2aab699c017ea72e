@allure.label.epic:Training
@critical
Feature: A hostile run folder is refused before anything in it is believed
  A run folder may come from somebody else. A launch neither trusts its record further than it can check it, nor writes,
  publishes or removes anything where the folder's links lead.

  @REQ-HOSTILE-06
  Rule: A record that is none is refused, and nothing in the folder is changed

    Scenario: No launch goes on from a hostile record
      When each of these is planted into a run that is launched again
        | hostile                                     | said                                                            |
        | a record with a name that leaves the store  | not a run record: run_id                                        |
        | a record with an absolute name              | not a run record: run_id                                        |
        | a record with a name of several lines       | not a run record: run_id                                        |
        | a record with a state that does not exist   | not a run record: state                                         |
        | a record with steps in words                | not a run record: steps_done                                    |
        | a record with an unknown key                | not a run record: __class__                                     |
        | a record with another format                | written in format 2                                             |
        | a record with a format in words             | not a run record: format_version                                |
        | a record with a history of 200,000 moves    | bytes, more than the 16,000,000 that are read                   |
        | a record with terminal commands for a place | not a run record: published.location                            |
        | a record nested without end                 | is nested too deeply                                            |
        | a record with a number without end          | holds a number of 100,000 digits                                |
        | a record that is a list                     | not a run record                                                |
        | a record that is null                       | not a run record                                                |
        | a record that is binary                     | is not UTF-8 text                                               |
        | an empty record                             | is not JSON                                                     |
        | a pickle for a record                       | is not UTF-8 text                                               |
        | a key twice in a record                     | not a run record: it holds a key twice                          |
        | a record of 3 GB                            | has 3,000,000,000 bytes, more than the 16,000,000 that are read |
        | a named pipe for a record                   | is not a regular file                                           |
        | a socket for a record                       | cannot be read                                                  |
        | an endless device for a record              | is a symbolic link                                              |
        | a link to a record elsewhere                | is a symbolic link                                              |
      Then each is refused in one line with its words, exit code 2
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

    Scenario: A hostile record is not shown as a run
      When each of these is planted into a run that is shown
        | hostile                                     | said                                                            |
        | a record with a name that leaves the store  | not a run record: run_id                                        |
        | a record with an absolute name              | not a run record: run_id                                        |
        | a record with a name of several lines       | not a run record: run_id                                        |
        | a record with a state that does not exist   | not a run record: state                                         |
        | a record with steps in words                | not a run record: steps_done                                    |
        | a record with an unknown key                | not a run record: __class__                                     |
        | a record with another format                | written in format 2                                             |
        | a record with a format in words             | not a run record: format_version                                |
        | a record with a history of 200,000 moves    | bytes, more than the 16,000,000 that are read                   |
        | a record with terminal commands for a place | not a run record: published.location                            |
        | a record nested without end                 | is nested too deeply                                            |
        | a record with a number without end          | holds a number of 100,000 digits                                |
        | a record that is a list                     | not a run record                                                |
        | a record that is null                       | not a run record                                                |
        | a record that is binary                     | is not UTF-8 text                                               |
        | an empty record                             | is not JSON                                                     |
        | a pickle for a record                       | is not UTF-8 text                                               |
        | a key twice in a record                     | not a run record: it holds a key twice                          |
        | a record of 3 GB                            | has 3,000,000,000 bytes, more than the 16,000,000 that are read |
        | a named pipe for a record                   | is not a regular file                                           |
        | a socket for a record                       | cannot be read                                                  |
        | an endless device for a record              | is a symbolic link                                              |
        | a link to a record elsewhere                | is a symbolic link                                              |
        | a link to nothing for a record              | is a symbolic link                                              |
      Then each is refused in one line with its words, exit code 2
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

  @REQ-HOSTILE-07
  Rule: Metrics are figures, whatever stands in their file

    Scenario: A run with hostile metrics goes on from its checkpoint
      When each of these is planted into the metrics of a run that is launched again
        | hostile                           | said                |
        | metrics nested without end        | going on at step 11 |
        | metrics with a number without end | going on at step 11 |
        | metrics with a step of 300 digits | going on at step 11 |
        | metrics that are binary           | going on at step 11 |
        | metrics that are lists            | going on at step 11 |
        | metrics in words                  | going on at step 11 |
        | metrics beyond every scale        | going on at step 11 |
        | a line of 20 MB of metrics        | going on at step 11 |
        | metrics of 300 MB without a line  | going on at step 11 |
      Then each is overcome, and its words are said
      And nothing of it is executed
      And it takes little memory and time

    Scenario: Metrics are not written where a link or a pipe leads
      When each of these is planted into the metrics of a run that is launched again
        | hostile                       | said                  |
        | a named pipe for metrics      | is not a regular file |
        | an endless device for metrics | is not a regular file |
        | a link to metrics elsewhere   | is not a regular file |
      Then each is refused in one line with its words, exit code 1
      And nothing of it is executed
      And it takes little memory and time

    Scenario: A run with hostile metrics can be looked at
      When each of these is planted into a run that is shown
        | hostile                           | said       |
        | metrics nested without end        | run folder |
        | metrics with a number without end | run folder |
        | metrics with a step of 300 digits | run folder |
        | metrics that are binary           | run folder |
        | metrics that are lists            | run folder |
        | metrics in words                  | run folder |
        | metrics beyond every scale        | run folder |
        | a line of 20 MB of metrics        | run folder |
        | metrics of 300 MB without a line  | run folder |
        | a named pipe for metrics          | run folder |
        | an endless device for metrics     | run folder |
        | a link to metrics elsewhere       | run folder |
      Then each is overcome, and its words are said
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

  @REQ-HOSTILE-08
  Rule: Nothing is removed, written or published where a link leads

    Scenario: Links out of a run are refused
      When each of these is planted into a run that comes to be published
        | hostile                   | said               |
        | checkpoints elsewhere     | is a symbolic link |
        | a tokenizer elsewhere     | is a symbolic link |
        | a secret in the tokenizer | is a symbolic link |
        | a configuration elsewhere | is a symbolic link |
      Then each is refused in one line with its words, exit code 1
      And nothing was published
      And what the links lead to is as it was
