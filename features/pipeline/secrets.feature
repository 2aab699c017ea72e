# What is held against all that a pipeline leaves; redaction itself is in redaction.feature.
@allure.label.epic:Pipeline @critical
Feature: No secret of a repository reaches what is made of it
  A model must not be able to say a password that somebody once committed,
  and neither an index nor a report may hold one, however it came into the history.

  @REQ-REDACT-30
  Rule: Secrets of every kind stay behind

    @blocker
    Scenario: Secrets in files, in removed lines, in messages and in names reach no token, no vector and no page
      Given the repository of a pipeline, with secrets of all kinds in its files, its commits, their messages and its names
      When the pipeline goes from the repository to tokens and to an index
      Then nothing of any secret is in the tokens, decoded side by side
      And nothing of any secret, and no address that is somebody's name, is in any other file that the pipeline has left
      And the manifest counts what was replaced, by kinds and by files
