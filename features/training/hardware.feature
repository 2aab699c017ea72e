@allure.label.epic:Training
@normal
Feature: Training takes what the machine has, and gives it back
  The same experiment runs on a laptop and on a GPU host. What a run has used is free again when it is over, so that
  a notebook or a search over many runs does not end for want of memory.

  @REQ-HARDWARE-01
  Rule: Without a GPU, a run trains on the CPU or says that it cannot

    Scenario: A host whose GPUs are hidden trains on the CPU
      Given a small experiment with
        | setting         | value |
        | training.device | auto  |
      And it has been trained elsewhere without interruption
      When it is launched in a process with CUDA_VISIBLE_DEVICES set to nothing
      Then the run is cleaned
      And its environment names no GPU
      And its losses are within 1e-3 of the reference's, step by step

    Scenario: A GPU that is asked for and not there is refused before any work
      Given a small experiment with
        | setting         | value  |
        | training.device | cuda:7 |
      When it is launched in a process with CUDA_VISIBLE_DEVICES set to nothing
      Then the launch fails with "device cuda:7: this machine has 0 CUDA devices; use auto or cpu"
      And there is no run folder

  @REQ-HARDWARE-02
  Rule: What a run has used is free when it is over

    Scenario: Twenty runs in one process take no more than one
      Given a small experiment with
        | setting                    | value |
        | model.hidden_size          | 128   |
        | training.train_steps       | 2     |
        | training.async_checkpoints | true  |
        | data.num_workers           | 1     |
        | data.validation_fraction   | 0     |
      When 20 runs are made in one process, each with a seed of its own
      Then no tensor, thread or open file of a run is left after it
      And the process holds at most 16 MB more after the last of them than after the fifth
