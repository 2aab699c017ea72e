@allure.label.epic:Acceptance
@critical
Feature: A green acceptance run means that every promise was checked
  Whoever releases on a green run relies on it: what did not run, or broke the suite itself,
  must never look like success.

  @REQ-ACCEPT-01
  Rule: One promise that is not kept makes the run fail

    Scenario: A run with scenarios that fail exits with 1 and sums up
      When the sample suite is run
      Then it exits with 1
      And it prints the lines
        """
        4 passed, 4 failed, 1 skipped
          1 × takes minutes: runs when it is selected with --tags=@slow
        """

    Scenario: A run whose scenarios all pass exits with 0
      When the sample suite is run with "--tags=@minor and not @slow"
      Then it exits with 0
      And it prints the lines
        """
        2 passed, 0 failed, 0 skipped
        """

    Scenario: A run during which a process dies exits with 1
      When the sample suite is run with "disasters"
      Then it exits with 1
      And it prints the lines
        """
        a worker process was ended by SIGKILL
          disasters/fire.feature:6  The lights go out
        0 passed, 1 failed, 0 skipped
        """

    Scenario: A run whose report cannot be drawn exits with 1 and leaves no older report in its place
      When the sample suite is run with "features/training_runs" on a machine whose Node crashes
      Then it exits with 1
      And it prints the lines
        """
        1 passed, 0 failed, 0 skipped
        Allure made no report: Node has crashed
        """
      And there is no report

  @REQ-ACCEPT-02
  Rule: A run that checks nothing does not succeed

    Scenario: A selection that leaves no scenario is refused
      When the sample suite is run with "--tags=@gpu"
      Then it exits with 2
      And it prints only a line that begins with
        """
        no scenario is selected: --tags='@gpu' leaves none of 9 in features; their tags are
        """

    Scenario: A selection of which nothing can run on this machine exits with 2
      When the sample suite is run with "features/archive"
      Then it exits with 2
      And it prints the lines
        """
        0 passed, 0 failed, 1 skipped
        nothing was checked: no selected scenario can run on this machine
        """

  @REQ-ACCEPT-03
  Rule: Tags are a closed list

    Scenario: A misspelt tag is refused
      When the sample suite is run after "@minor" was misspelt as "@mirror"
      Then it exits with 2
      And it prints only a line that begins with
        """
        features/archive/complete.feature:5: unknown tag @mirror; known are:
        """

  @REQ-ACCEPT-04
  Rule: A workspace is left only where it helps to find the reason

    Scenario: Only the workspaces of scenarios that were not kept are left
      When the sample suite is run
      Then the workspaces that are left belong to
        | scenario                                 |
        | A book is lent from no shelf             |
        | A book that nobody thought of comes back |
        | A lent book is not on the shelf          |
        | The library does not open                |
