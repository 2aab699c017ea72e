# The verbs that read and explain, and what they say to a mistake.
@allure.label.epic:Command_line @critical
Feature: The command line explains itself, and answers a mistake in one line
  Someone who has never read a manual finds the way by the command's own words,
  and a script can rely on its exit codes.

  @REQ-CLI-01
  Rule: Every verb shows how it is used

    @normal
    Scenario: Help shows an example for every verb
      When each of these commands is run
        | command                 |
        | foundry --help          |
        | foundry train --help    |
        | foundry generate --help |
        | foundry validate --help |
        | foundry info --help     |
        | foundry list --help     |
        | foundry publish --help  |
        | foundry sync --help     |
        | foundry sweep --help    |
        | foundry verify --help   |
        | foundry diff --help     |
        | foundry schema --help   |
        | foundry accept --help   |
        | foundry report --help   |
      Then each shows how it is used, with an example

    @minor
    Scenario: The version is printed
      When the command "foundry --version" is run
      Then the command exits with 0
      And standard output is
        """
        foundry {version}
        """

  @REQ-CLI-02
  Rule: The user's mistake is one line on standard error, exit code 2, and changes nothing

    Scenario: A command that is not understood names the nearest that is
      When each of these commands is run
        | command                                    | message                                                                                                       |
        | foundry trian                              | foundry: No such command 'trian'. Did you mean 'train'? (see `foundry --help`)                                |
        | foundry train                              | foundry train: Missing argument 'CONFIG_OR_RUN' (see `foundry train --help`)                                  |
        | foundry train x.yaml --quite               | foundry train: No such option: --quite (Possible options: --quiet) (see `foundry train --help`)               |
        | foundry generate x                         | foundry generate: Missing option '--prompt' / '-p' (see `foundry generate --help`)                            |
        | foundry generate x -p y --temperature 3    | foundry generate: Invalid value for '--temperature': Input should be less than or equal to 2 (see `foundry generate --help`) |
        | foundry generate x -p y --top-k many       | foundry generate: Invalid value for '--top-k': Input should be a valid integer, unable to parse string as an integer (see `foundry generate --help`)    |
      Then each exits with its code and its message as the only line

    Scenario: Input that cannot be used is refused before any work is done
      Given the files
        | file            | text                                                                                                            |
        | broken.yaml     | experiment_name: [                                                                                              |
        | unknown.yaml    | experiment_name: a\ndata: {git: {}}\ntraining: {train_steps: 5, learning_rat: 1}                                |
        | plain.yaml      | experiment_name: a\ndata: {git: {repository: plain}}\ntraining: {train_steps: 5}                                |
        | plain/a.txt     | just a folder                                                                                                   |
        | runs/a/run.json | {"format_version": 99}                                                                                          |
        | runs/b/run.json | {"format_version": 1, "sta                                                                                      |
      When each of these commands is run
        | command                                    | message                                                                                                                |
        | foundry train unknwn.yaml                  | unknwn.yaml: no such file; did you mean unknown.yaml?                                                                  |
        | foundry train broken.yaml                  | broken.yaml: line 2, column 1: expected the node content, but found '<stream end>'                                     |
        | foundry train unknown.yaml                 | unknown.yaml: training.learning_rat: unknown key; did you mean learning_rate?                                          |
        | foundry train plain.yaml                   | data.git.repository: plain is not a git repository; name the folder of one, or its URL                                                                                                                      |
        | foundry train plain                        | plain: no run here (run.json is missing); `foundry list` shows the runs                                                |
        | foundry train runs/a                       | runs/a/run.json: written in format 99, this foundry reads format 1; use the foundry that wrote it                      |
        | foundry train plain.yaml --repository -x   | --repository: must not be empty or begin with a dash, got -x                                                           |
        | foundry train plain.yaml --repository ./é😀 | data.git.repository: no folder at ./é😀                                                                                 |
        | foundry train runs/a --set random_seed=1   | --set: the configuration of a run is fixed; name a configuration instead of runs/a                                     |
        | foundry info runs/b                        | runs/b/run.json: not a run record: it is not JSON: Invalid control character at in line 1, column 27                                                                                                                      |
        | foundry info unknown.yaml --html page.html | --html: draws a run; unknown.yaml is none                                                                              |
        | foundry generate nowhere -p a              | nowhere: no such folder; name a run, a published model or a Hugging Face folder                                        |
        | foundry generate runs/a -p ''              | --prompt: is empty; give at least one character, or <\|endoftext\|> to begin a new text                                |
        | foundry generate runs/a -p '{byte 0xff}'   | --prompt: is not UTF-8 text; give it in the encoding of your terminal's locale                                         |
        | foundry report plain                       | plain: no Allure results here; run `foundry accept` or `behave` first                                                  |
        | foundry generate runs/a -p a -p b --stream | --stream: shows one text as it grows; leave out --json, and give one prompt and one sample                             |
      Then each exits with its code and its message as the only line
      And nothing in the workspace has changed

    Scenario: A file where a folder is needed, or a folder where a file is, is named in one line
      Given a corpus of code, and an experiment file small.yaml that trains on it for 4 steps
      And the files
        | file  | text          |
        | afile | not a folder  |
      And the runs
        | folder   | state   | steps   | loss |
        | runs/two | cleaned | 1 of 1  | 2.5  |
      When each of these commands is run
        | command                                                  | message                                                                |
        | foundry train small.yaml --set training.output_dir=afile | afile/.locks: Not a directory                                          |
        | foundry train small.yaml --quiet --set logging.dir=afile | afile: File exists                                                     |
        | foundry info runs/two --html corpus                      | --html: corpus is a folder; name the file to write                     |
      Then each exits with its code and its message as the only line
      And nothing half-written is left in the workspace

  @REQ-CLI-03
  Rule: What is asked for goes to standard output, and problems to standard error

    Scenario: Valid files are named on standard output, and all mistakes of the others on standard error
      Given the files
        | file     | text                                                                                 |
        | good.yaml | experiment_name: a\ndata: {git: {}}\ntraining: {train_steps: 5}                     |
        | bad.yaml | experiment_name: a\ndata: {git: {}}\ntraining: {train_steps: 0}\nmodel: {lyers: 1}   |
      When the command "foundry validate bad.yaml good.yaml missing.yaml" is run
      Then the command exits with 2
      And standard output is
        """
        good.yaml: valid
        """
      And standard error is
        """
        bad.yaml: model.lyers: unknown key; did you mean layers?
        bad.yaml: training.train_steps: must be at least 1, got 0
        missing.yaml: no such file
        """

    @normal
    Scenario: The schema is the one that the loader's files are written against
      When the command "foundry schema" is run
      Then the command exits with 0
      And standard output is the JSON Schema of the loader

    @normal
    Scenario: The report of results is written as one page, and its place is named
      Given the files
        | file                  | text                                                                                                     |
        | results/a-result.json | {"uuid": "1", "name": "A book is lent", "status": "passed", "stage": "finished", "start": 1, "stop": 2}    |
      When the command "foundry report results --output page.html" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text       |
        | report: /  |
        | /page.html |
      And the page page.html reports only "A book is lent"

    Scenario: The list shows each run, and names those that cannot be read
      Given the runs
        | folder     | state       | steps      | loss |
        | runs/one   | created     | 0 of 10    |      |
        | runs/two   | cleaned     | 100 of 100 | 2.5  |
        | runs/three | interrupted | 7 of 100   | 3.25 |
      And the files
        | file             | text                   |
        | runs/fou/run.json | {"format_version": 99} |
      When the command "foundry list --json" is run
      Then the command exits with 0
      And standard output is a JSON list whose items have
        | folder       | state         | steps_done | best_validation_loss |
        | "runs/three" | "interrupted" | 7          | 3.25                 |
        | "runs/two"   | "cleaned"     | 100        | 2.5                  |
        | "runs/one"   | "created"     | 0          | null                 |
      And standard error is
        """
        runs/fou/run.json: written in format 99, this foundry reads format 1; use the foundry that wrote it
        """

    @normal
    Scenario: The list in words is a table
      Given the runs
        | folder   | state   | steps      | loss |
        | runs/two | cleaned | 100 of 100 | 2.5  |
      When the command "foundry list" is run
      Then the command exits with 0
      And standard output has, in this order
        | text                                                    |
        | run       state    steps       best validation loss     |
        | {run}  cleaned  100 of 100                 2.500  |

    @normal
    Scenario Outline: A reader that goes away is met with silence, by <output>
      When the command "<command>" is run for a reader that has gone away
      Then the command exits with 1
      And standard error is empty

      Examples:
        | output         | command           |
        | a short output | foundry --version |
        | a long output  | foundry schema    |
