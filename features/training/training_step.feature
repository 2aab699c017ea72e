@allure.label.epic:Training
@blocker
Feature: A training step does what the textbook says
  One step is one update over one global batch: every token counts once, however the batch is cut,
  gradients begin at zero, and the result is that of a plain PyTorch loop.

  @REQ-STEP-01
  Rule: A run equals a plain PyTorch loop over the same batches

    Scenario Outline: Twelve steps of <model> end in the weights of a plain PyTorch loop
      Given a small experiment with
        | setting                | value   |
        | model.architecture     | <model> |
        | training.max_grad_norm | 0.5     |
        | training.warmup_steps  | 3       |
      And a plain PyTorch loop over the same model and batches
      When it is launched
      Then its final weights are within 1e-5 of the plain loop's
      And its losses are within 1e-5 of the plain loop's

      Examples:
        | model   |
        | decoder |
        | gpt2    |

    Scenario: The loss falls
      Given a small experiment with
        | setting              | value |
        | training.train_steps | 60    |
      When it is launched
      Then the validation loss at the end is at least 1.0 nats below ln(vocabulary)
      And the validation loss at the end is below that of the first evaluation

  @REQ-STEP-02
  Rule: Accumulated steps equal big batches

    Scenario Outline: <accumulation> micro-batches of <size> make the step of one batch of 8
      Given a small experiment with
        | setting                              | value |
        | data.batch_size                      | 8     |
      And it has been trained elsewhere without interruption
      And with the setting data.batch_size at <size>
      And with the setting training.gradient_accumulation_steps at <accumulation>
      When it is launched
      Then its final weights are within 1e-5 of the reference's
      And its learning rates are those of the reference

      Examples:
        | accumulation | size |
        | 2            | 4    |
        | 8            | 1    |

    Scenario: Micro-batches with unequal numbers of tokens weigh each token the same
      Given a training step over 8 sequences of unequal length
      When it is made in 4 micro-batches of 2
      Then its loss is the mean over the tokens, as one by one
      And its gradient is that of the mean over the tokens

  @REQ-STEP-03
  Rule: Padding counts in no loss

    Scenario: Padding changes neither the training loss nor the gradient
      Given a training step over 8 sequences of unequal length
      When it is made in 1 micro-batches of 8
      Then its loss is the mean over the tokens, as one by one
      And its gradient is that of the mean over the tokens

    Scenario: Padding changes no validation loss
      Given a small experiment with
        | setting                | value |
        | data.max_sequence_length | 48  |
      When it is launched
      Then the last block of its validation set is padded
      And its validation loss is the mean over the tokens, as one by one

    Scenario: Dropout is off while the validation loss is computed
      Given a small experiment with
        | setting                 | value |
        | model.dropout           | 0.5   |
        | model.attention_dropout | 0.5   |
      When it is launched
      Then its validation loss is the mean over the tokens, as one by one

    Scenario: A limit on validation blocks takes them evenly from all of the validation documents
      Given a small experiment with
        | setting                    | value |
        | data.max_validation_blocks | 3     |
      When it is launched
      Then its validation loss is the mean over the tokens, as one by one

  @REQ-STEP-07
  Rule: The random numbers of a step are a function of the seed and the step

    Scenario: A step that is made again is the same, whatever was drawn in between
      Given a training step over 8 sequences of unequal length
      When it is made with dropout as step 5, and again after other random draws
      Then the two have the same loss and the same gradients, to the bit

    Scenario Outline: Dropout falls on other places <where>
      Given a training step over 8 sequences of unequal length
      When it is made with dropout <once>, and <again>
      Then the two have different losses

      Examples:
        | where                  | once               | again                             |
        | in another step        | as step 5          | as step 6                         |
        | in another micro-batch | in one micro-batch | with that micro-batch given twice |

  @REQ-STEP-04
  Rule: Gradients are clipped to the norm that was asked for

    Scenario Outline: A gradient norm limit of <limit>
      Given a training step over 8 sequences of unequal length
      And a gradient norm limit of <limit>
      When it is made in 2 micro-batches of 4
      Then the gradient that reaches the optimizer has the norm <norm>

      Examples:
        | limit | norm          |
        | 0.25  | 0.25          |
        | 1000  | it had before |
        | none  | it had before |

    Scenario: The norm in the metrics is the one before clipping
      Given a small experiment with
        | setting                | value |
        | training.max_grad_norm | 0.001 |
      When it is launched
      Then every gradient norm in the metrics is above 0.1

  @REQ-STEP-05
  Rule: The learning rate is a function of the step

    Scenario Outline: A <schedule> schedule with <warmup> of 100 steps of warm-up, at step <step>
      Given a learning rate of 1.0 that falls to 0.1, <schedule>, after <warmup> steps of warm-up
      When the learning rate of step <step> of 100 is asked for
      Then it is <rate>

      Examples:
        | schedule | warmup | step | rate  |
        | cosine   | 10     | 1    | 0.1   |
        | cosine   | 10     | 10   | 1.0   |
        | cosine   | 10     | 55   | 0.55  |
        | cosine   | 10     | 100  | 0.1   |
        | cosine   | 0      | 50   | 0.55  |
        | linear   | 20     | 10   | 0.5   |
        | linear   | 20     | 60   | 0.55  |
        | linear   | 20     | 100  | 0.1   |
        | constant | 4      | 1    | 0.25  |
        | constant | 4      | 100  | 1.0   |

    Scenario: A run uses the learning rate of each step, also with accumulation
      Given a small experiment with
        | setting                              | value |
        | training.gradient_accumulation_steps | 2     |
        | training.warmup_steps                | 3     |
      When it is launched
      Then the learning rates in the metrics are those of the schedule, step by step

  @REQ-STEP-06
  Rule: Weight decay pulls on matrices only

    Scenario: Without gradients, matrices shrink and vectors stay
      Given the optimizer of a small model, with weight decay 0.5 and learning rate 0.1
      When it makes a step with gradients of zero
      Then every matrix has shrunk by 5 %
      And every vector is unchanged
