@allure.label.epic:Training
@blocker
Feature: One launch at a time works on a run
  Two processes that write the same checkpoints would ruin them both. Whoever launches a run that is being trained
  is told where, and whoever launches a run that was killed is not kept waiting.

  @REQ-LAUNCH-01
  Rule: A second launch is refused, and told who holds the run

    Scenario: The refusal names the process, its host, and since when
      Given a small experiment
      And another process is at work on it at step 8
      When it is launched
      Then the launch fails with "another process is at work on this run"
      And the message names that process, this host and the time of its launch
      And nothing in the run folder and the store has changed

    Scenario: A run is the same run under another name
      Given a small experiment
      And another process is at work on it at step 8
      And the link current leads to its run folder
      When the link current is launched
      Then the launch fails with "another process is at work on this run"
      And the message names that process, this host and the time of its launch

    Scenario: Whoever was killed before is not named in place of who is at work now
      Given a small experiment
      And its launch was killed at step 3
      And another process is at work on it at step 8
      When it is launched
      Then the launch fails with "another process is at work on this run"
      And the message names that process, this host and the time of its launch

    Scenario: While nobody has said who is at work, nobody is named
      Given a small experiment
      And its launch was killed at step 3
      And the run is held by a process that has not said so
      When it is launched
      Then the launch fails with "another process is at work on this run; wait for it, or stop it"

    Scenario: Another process that bears the number of the killed one is not named
      Given a small experiment
      And its launch was killed at step 3
      And the number of the killed process now belongs to another
      And the run is held by a process that has not said so
      When it is launched
      Then the launch fails with "another process is at work on this run; wait for it, or stop it"

  @REQ-LAUNCH-02
  Rule: A process that has ended holds nothing

    Scenario: A launch that was killed blocks nobody
      Given a small experiment
      And another process is at work on it at step 8
      And that process was killed
      When it is launched
      Then the launch makes the steps 7 to 12
      And nobody is said to hold the run

    Scenario: A launch that has failed blocks nobody
      Given a small experiment
      And a file stands where the artifact store should be
      And its launch has failed
      And the file is gone
      When it is launched again
      Then the launch makes no step
      And the run is cleaned
      And nobody is said to hold the run

  @REQ-LAUNCH-03
  Rule: A filesystem that locks each host by itself still gives a warning

    Scenario: A process of another host that has not signed off is named in a warning
      Given a small experiment
      And its launch was killed at step 8
      And the killed process had run on the host far-away
      When it is launched again
      Then a warning says that a process on far-away has not signed off
      And the launch makes the steps 7 to 12
