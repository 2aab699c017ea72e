# The verbs that train, generate and look at a run, each through a real process.
@allure.label.epic:Command_line @critical
Feature: One command trains, the same command goes on, and others use what it made
  A user needs three commands: train, generate, info. Each says where things are and what to do next,
  and whatever goes wrong, nothing is lost and nothing is left half-written.

  @REQ-CLI-04 @blocker
  Rule: Training ends with a published model, and says so when there is nothing left to do

    Scenario: A relaunched run that is complete trains nothing, and does not even load torch
      Given a corpus of code, and an experiment file small.yaml that trains on it for 4 steps
      And the command "foundry train small.yaml" has been run, and printed
        | text                                   |
        | created: {run}                         |
        | step 4 of 4, loss                      |
        |  tokens/s,                             |
        |  left                                  |
        | run folder       {run}                 |
        | steps            4 of 4                |
        | published model  artifacts/            |
        | foundry generate {run} --prompt "def " |
      When the command "foundry train small.yaml" is run again, with its imports traced
      Then the command exits with 0
      And standard output has, in this order
        | text                                            |
        | {run} is complete, nothing was left to train    |
        | steps            4 of 4                         |
      And the library torch was not imported
      And nothing in the workspace has changed

  @REQ-CLI-05
  Rule: What stops a training from outside loses nothing, and shows in the exit code

    Scenario: SIGTERM saves the step that was under way and exits with 143
      Given a corpus of code, and an experiment file long.yaml that trains on it for 100000 steps
      And a git repository code with the files of the corpus
      When the command "foundry train long.yaml --repository code --set data.source_corpus=null --set training.evaluation_interval=100000" is run, and is sent SIGTERM when it prints "step "
      Then the command exits with 143
      And standard error is one line with
        | text                         |
        | interrupted by SIGTERM after |
        | launch again to go on at     |
      And the run is interrupted, and its last step is checkpointed

    Scenario Outline: Without space for the <file>, training fails in one line and leaves nothing half-written
      Given a corpus of code, and an experiment file small.yaml that trains on it for 4 steps
      When the command "foundry train small.yaml --quiet" is run where no file may pass <limit> bytes
      Then the command exits with 1
      And standard error is one line with
        | text                                |
        | step-00000002                       |
        | the checkpoint could not be written |
        | File too large                      |
      And nothing half-written is left in the workspace

      Examples:
        | file            | limit  |
        | weights         | 100000 |
        | optimizer state | 200000 |

    Scenario: An interrupted run goes on in its folder, wherever that was moved
      Given a small experiment
      And its launch received SIGTERM at step 6
      And its run folder was moved to moved/run
      When the command "foundry train {run}" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                        |
        | step 12 of 12               |
        | run folder       moved/run  |
        | steps            12 of 12   |
      And moved/run is the only run, and cleaned

  @REQ-CLI-06
  Rule: A trained model is used by its run folder

    Scenario: Texts are generated as JSON, and samples are the same where nothing is left to chance
      Given a small experiment
      And it has been trained
      When the command "foundry generate {run} -p 'def load' --num-samples 2 --top-k 1 --max-new-tokens 5 --json" is run
      Then the command exits with 0
      And standard output is two equal texts that begin with "def load"

    Scenario: A seed decides the text, and what is not given comes from the run's configuration
      Given a small experiment
        | setting                   | value |
        | generation.max_new_tokens | 9     |
        | generation.temperature    | 1.5   |
        | generation.top_k          | 40    |
        | generation.top_p          | 0.9   |
      And it has been trained
      When each of these commands is run in this process
        | command                                                                                          | prints |
        | foundry generate {run} -p def                                                                    | one    |
        | foundry generate {run} -p def --seed 0                                                           | one    |
        | foundry generate {run} -p def --max-new-tokens 9 --temperature 1.5 --top-k 40 --top-p 0.9        | one    |
        | foundry generate {run} -p def --seed 1                                                           | two    |
        | foundry generate {run} -p def --seed 1                                                           | two    |
        | foundry generate {run} -p def --temperature 0                                                    | three  |
        | foundry generate {run} -p def --top-k 0 --top-p 1 --temperature 2                                | four   |
        | foundry generate {run} -p def --max-new-tokens 3                                                 | five   |
      Then those that are said to print the same do, and the others do not

    Scenario: A damaged model is refused, not used
      Given a small experiment
      And it has been trained
      And a byte of the published weights has flipped
      When the command "foundry generate {run} --prompt def" is run
      Then the command exits with 1
      And standard error is one line with
        | text                                            |
        | the artifact is damaged: model.safetensors does |

  @REQ-CLI-07 @normal
  Rule: A run is shown as it was, in the terminal and as a page

    Scenario: The run's facts, history and loss curve are shown, and a page that stands alone is written
      Given a small experiment
      And it has been trained
      And its config.yaml ends with "# <script>alert(1)</script>"
      When the command "foundry info {run} --html page.html" is run
      Then the command exits with 0
      And standard output has, in this order
        | text                                               |
        | run folder       {run}                             |
        | state            cleaned                           |
        | steps            12 of 12                          |
        | time (UTC)                                         |
        | created                                            |
        | stopped                                            |
        | published                                          |
        | loss (nats a token): ⠒ training, o validation      |
        | page: page.html                                    |
      And the page page.html holds 5 plots and
        | text                 |
        | experiment_name: small |
        | all_steps_completed  |
        | # &lt;script&gt;     |
        | learning rate        |
        | gradient norm        |
        | tokens per second    |
        | memory of the run (bytes) |
      And the page page.html loads nothing from elsewhere

    Scenario: A configuration shows what it would train
      Given a corpus of code, and an experiment file small.yaml that trains on it for 4 steps
      When the command "foundry info small.yaml --set training.train_steps=1000" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                                   |
        | experiment        small                |
        | state             not begun            |
        | source            corpus               |
        | tokens in a step  128                  |
        | length            1,000 steps, 128,000 tokens |
      And nothing in the workspace has changed

    Scenario: A configuration with a pretrained tokenizer shows that one's vocabulary
      Given a corpus of code, and an experiment file small.yaml that trains on it for 4 steps
      And a pretrained tokenizer of 294 tokens, special ones included, in the folder vocabulary
      When the command "foundry info small.yaml --set tokenizer.tokenizer_type=pretrained --set tokenizer.name_or_path=./vocabulary" is run in this process
      Then the command exits with 0
      And standard output has, in this order
        | text                    |
        | vocabulary        294   |
        | loss of guessing  5.684 |

    Scenario: The example configurations are valid
      When the command "foundry validate {configs}" is run in this process
      Then the command exits with 0
      And standard output names every file in configs as valid

    Scenario: The example for a whole repository makes a model of 3 to 5 million parameters
      Given a corpus of code, and an experiment file small.yaml that trains on it for 4 steps
      When the command "foundry info {origin}/configs/this-repository.yaml --json --set data.git=null --set data.source_corpus=corpus" is run in this process
      Then the command exits with 0
      And standard output is a plan with 3000000 to 5000000 parameters

  @REQ-CLI-08 @normal
  Rule: A run keeps what is needed to understand it later

    Scenario: The log file tells what happened, and the environment names the versions
      Given a small experiment
        | setting       | value |
        | logging.level | DEBUG |
      When it is launched
      Then the log file of the run has, in this order
        | text                                  |
        | INFO created: {run}                   |
        | DEBUG step 1 of 12: loss              |
        | INFO step 3: validation loss          |
        | INFO step 5: checkpoint step-00000005 saved |
        | DEBUG step 12 of 12: loss             |
        | INFO stopped: all_steps_completed     |
        | INFO published: step                  |
        | INFO cleaned: local checkpoints       |
      And its environment.json names the versions of python, torch and numpy that run here
