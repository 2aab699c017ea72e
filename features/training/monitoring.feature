@allure.label.epic:Training
@critical
Feature: A run knows what it takes of the machine, and ends in good order before the machine is exhausted
  How much memory a training needed decides what can be trained next. And a run that is stopped in time, with its last
  step saved, loses nothing; one that the system kills loses the time since its last checkpoint.

  @REQ-MONITORING-01
  Rule: The peaks that are recorded are those that the system counts

    Scenario: A block that is held between two looks is in the peak of memory
      Given a small experiment
      When it is launched in a process that holds 300 MB from step 2 to step 5
      Then the recorded peak of its memory is within 2 % of the one that the system counted
      And the recorded peak is at least 250 MB above the lowest size that was seen
      And no thread is left of it

    Scenario: A relaunch goes on from the peaks of the launches before it
      Given a small experiment
      And its launch, in a process that held 300 MB, was stopped after step 6
      When it is launched in a process that holds 0 MB from step 2 to step 5
      Then the recorded peak of its memory is that of the launch before
      And 2 launches and the samples of both are recorded

    Scenario: A record that is damaged begins anew, and the run does not suffer
      Given a small experiment
      And its launch was killed at step 8
      And its hardware.json holds "{"
      When it is launched again
      Then the run is cleaned
      And one warning of the launch names "hardware.json"
      And 1 launches and the samples of both are recorded

    Scenario: The peaks are shown with the run, and go out as JSON
      Given a small experiment
      And it has been trained
      When the command "foundry info {run} --json" is run in this process
      Then the JSON that it prints holds the record of the hardware
      And the facts of the run name the peak of its memory and the least free disk
      And looking at the hardware took less than 20 milliseconds a time

    @gpu
    Scenario: The peak of GPU memory is the one that torch counts
      Given a small experiment with
        | setting         | value |
        | training.device | cuda  |
      When it is launched in a process that holds 0 MB from step 2 to step 5
      Then the recorded peak of GPU memory is within 1 % of the one that torch counted
      And the name and the memory of the GPU are recorded

  @REQ-MONITORING-02
  Rule: A figure that reaches a warning is told once

    Scenario Outline: <figure> at its warning is one line, however often it is looked at
      Given a small experiment with
        | setting                | value  |
        | monitoring.interval    | 0.01   |
        | monitoring.<key>.warn  | <warn> |
      When it is launched
      Then the run is cleaned
      And one warning of the launch names "monitoring.<key>.warn"
      And at least 4 samples are recorded

      Examples:
        | figure | key       | warn   |
        | Memory | memory    | 0.0001 |
        | Disk   | disk_free | 1e18   |

    Scenario Outline: <figure> that has gone well back and returns is told again
      Given a warning for <key> at <warn>
      When the share or amount of <key> goes through <values>
      Then it is warned of at the samples <told>

      Examples:
        | figure      | key             | warn | values                                 | told |
        | Memory      | memory          | 0.9  | 0.5, 0.91, 0.95, 0.88, 0.91, 0.8, 0.9  | 2, 7 |
        | GPU memory  | gpu_memory      | 0.9  | 0.9, 0.89, 0.9, 0.85, 0.95, 0.99       | 1, 5 |
        | Temperature | gpu_temperature | 80   | 81, 79, 81, 70, 80                     | 1, 5 |
        | Disk        | disk_free       | 1000 | 2000, 900, 1010, 900, 1100, 1000       | 2, 6 |

  @REQ-MONITORING-03 @blocker
  Rule: A figure that reaches a stop ends the run with its step saved, and the relaunch is exact

    Scenario Outline: <figure> at its stop ends the launch after a step, which is saved
      Given a small experiment with
        | setting                | value  |
        | model.dropout          | 0.2    |
        | monitoring.<key>.stop  | <stop> |
      When it is launched
      Then the launch fails with "of monitoring.<key>.stop; stopped after step"
      And its exit code is 1
      And the run is interrupted
      And the step that it names is checkpointed, and is not the last of the run
      And nothing is published

      Examples:
        | figure | key       | stop   |
        | Memory | memory    | 0.0001 |
        | Disk   | disk_free | 1e18   |

    Scenario: The relaunch ends as if the run had never been stopped
      Given a small experiment with
        | setting       | value |
        | model.dropout | 0.2   |
      And it has been trained elsewhere without interruption
      And with the setting monitoring.memory.stop at 0.0001
      And its launch has failed
      And with the setting monitoring.memory.stop at none
      When it is launched again
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

  @REQ-MONITORING-04
  Rule: Looking changes nothing of what is trained, and can be left out

    Scenario: A run that is not looked at is the same, and writes nothing of the hardware
      Given a small experiment with
        | setting             | value |
        | monitoring.interval | 0.01  |
      And it has been trained elsewhere without interruption
      And with the setting monitoring.enabled at false
      When it is launched
      Then its weights, optimizer state and metrics are bit-identical to the uninterrupted run's
      And only the other run has a hardware.json, and rows of metrics that speak of hardware
      And no difference of the two runs matters

    Scenario Outline: <signal> ends a run that is looked at as it ends any other
      Given a small experiment
      When its launch receives <signal> at step 4
      Then the process exits with <code>
      And the run is interrupted
      And 1 launches and the samples of both are recorded

      Examples:
        | signal  | code |
        | SIGINT  | 130  |
        | SIGTERM | 143  |
