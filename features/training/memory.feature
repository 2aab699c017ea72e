@allure.label.epic:Training
@critical
Feature: Memory that runs out costs time, not the result
  A batch that does not fit is no reason to lose a night. It is taken in smaller pieces, and what is trained stays
  the same: the same global batch, the same order, the same weights but for the rounding of another summation.

  @REQ-MEMORY-01
  Rule: A step without enough memory is made again with micro-batches of half the size

    Scenario: A run whose memory becomes scarce ends in the same weights
      Given an experiment with 32 blocks in a micro-batch
      And it has been trained elsewhere without interruption
      When it is launched where only 90 MB more can be had after step 2
      Then the launch makes the steps 1 to 6
      And a warning says "step 3: memory ran out with 32 blocks at a time"
      And its losses are within 1e-5 of the reference's, step by step
      And its last weights are within 1e-5 of the reference's
      And the run is cleaned

    Scenario: A run that came to smaller micro-batches goes on with them, to the same bits
      Given an experiment with 32 blocks in a micro-batch
      And with the setting model.dropout at 0.2
      And it has been trained elsewhere where only 90 MB more can be had after step 2
      And its launch was killed after step 5, where only 90 MB more can be had after step 2
      When it is launched again
      Then the launch makes the steps 5 to 6
      And its weights, optimizer state and metrics are bit-identical to the uninterrupted run's

  @REQ-MEMORY-02
  Rule: Where not even one block fits, the run stops and says so

    Scenario: A model whose single block does not fit is a clear stop
      Given an experiment with 2 blocks in a micro-batch
      And with the setting data.max_sequence_length at 1024
      When it is launched where only 20 MB more can be had after step 2
      Then the launch fails with "step 3: there is not enough memory on cpu for one block of 1024 tokens"
      And the run is failed
      And step 2 is checkpointed
      And nothing is published
