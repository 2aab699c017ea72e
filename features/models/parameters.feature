@allure.label.epic:Models
@critical
Feature: The shape of a model is what was asked for, and its size is known beforehand
  A user wants to know whether a model fits before waiting for it, and one seed means one model.

  @REQ-MODELS-04
  Rule: The parameter count is known before any weight is allocated

    Scenario Outline: The count of <name> is that of the real model
      Given a model with
        | setting                  | value          |
        | architecture             | <architecture> |
        | embedding_size           | <embedding>    |
        | key_value_heads          | <groups>       |
        | intermediate_hidden_size | <inner>        |
        | tie_embeddings           | <tied>         |
      When its parameters are counted before it is made
      Then the count is that of the real model, and equals <total>

      Examples:
        | name                              | architecture | embedding | groups | inner | tied  | total  |
        | a decoder                         | decoder      | none      | none   | none  | true  | 139584 |
        | a decoder with an own head        | decoder      | none      | none   | none  | false | 172352 |
        | a decoder with shared heads       | decoder      | none      | 1      | none  | true  | 127296 |
        | a decoder with a narrow embedding | decoder      | 16        | none   | none  | true  | 117056 |
        | a decoder with a wide inner layer | decoder      | none      | none   | 256   | true  | 164160 |
        | gpt2                              | gpt2         | none      | none   | none  | true  | 134912 |
        | llama                             | llama        | none      | 2      | none  | false | 188736 |

    Scenario: A model of 175 billion parameters is counted on a small machine
      Given a model with
        | setting         | value |
        | layers          | 96    |
        | hidden_size     | 12288 |
        | attention_heads | 96    |
      When its parameters are counted before it is made
      Then the count is 96 times a block's, plus the norm's and the embedding's

  @REQ-MODELS-05
  Rule: Weights are decided by the seed

    Scenario Outline: The same seed gives the same <architecture>, another one does not
      Given a model with
        | setting      | value          |
        | architecture | <architecture> |
      When it is made with seeds 7, 7 and 8
      Then the first two are bit-identical, and the third has other matrices

      Examples:
        | architecture |
        | decoder      |
        | gpt2         |

    Scenario: Weights are drawn with the published standard deviations
      Given a model with
        | setting     | value |
        | layers      | 8     |
        | hidden_size | 128   |
      When it is made with seed 1
      Then matrices that write to the residual stream have standard deviation 0.005
      And all other matrices have standard deviation 0.02

  @REQ-MODELS-06
  Rule: Tied embeddings are one matrix

    Scenario Outline: Output layer and embedding share their storage with <name>
      Given a model with
        | setting        | value          |
        | architecture   | <architecture> |
        | embedding_size | <embedding>    |
      When it is made with seed 1
      Then the output layer and the token embedding share their storage

      Examples:
        | name                 | architecture | embedding |
        | a decoder            | decoder      | none      |
        | a narrow embedding   | decoder      | 16        |
        | gpt2                 | gpt2         | none      |

    Scenario: Without tying they are two
      Given a model with
        | setting        | value |
        | tie_embeddings | false |
      When it is made with seed 1
      Then the output layer and the token embedding do not share their storage

  @REQ-MODELS-07
  Rule: A configuration that no model fits is refused by name

    Scenario Outline: <fault> is refused
      Given a model with
        | setting              | value          |
        | architecture         | <architecture> |
        | key_value_heads      | <groups>       |
        | architecture_options | <options>      |
      When its parameters are counted before it is made
      Then the model is refused with "<message>"

      Examples:
        | fault                     | architecture | groups | options          | message |
        | a misspelt architecture   | gtp2         | none   | {}               | model.architecture 'gtp2' is neither decoder nor a causal architecture of transformers; did you mean 'gpt2'? |
        | our own, misspelt         | decodr       | none   | {}               | model.architecture 'decodr' is neither decoder nor a causal architecture of transformers; did you mean 'decoder'? |
        | shared heads without such | gpt2         | 2      | {}               | model.key_value_heads (2) has no counterpart in architecture gpt2; remove it |
        | an unknown option         | llama        | none   | {mlp_bia: true}  | model.architecture_options.mlp_bia is not a key of architecture llama; did you mean 'mlp_bias'? |
        | a contradicting option    | gpt2         | none   | {n_layer: 1}     | model.architecture_options.n_layer is decided by a field of model already (2); change that field and remove the option |
        | an option of another type | llama        | none   | {mlp_bias: many} | model.architecture_options does not suit llama: |

    Scenario Outline: <architecture>, which no causal training fits, is refused
      Given a model with
        | setting        | value          |
        | architecture   | <architecture> |
        | tie_embeddings | false          |
      When making it is tried
      Then the model is refused with "<message>"

      Examples:
        | architecture | message                                                                                     |
        | xlnet        | model.architecture xlnet sees the tokens that it has to predict; choose a causal one        |
        | roberta      | model.architecture roberta cannot be used with these settings: TypeError:                   |

    Scenario: GPT-2 gets every field under its own name
      Given a model with
        | setting                  | value                              |
        | architecture             | gpt2                               |
        | dropout                  | 0.2                                |
        | attention_dropout        | 0.3                                |
        | activation_function      | relu                               |
        | intermediate_hidden_size | 96                                 |
        | architecture_options     | {scale_attn_by_inverse_layer_idx: true} |
      When it is made with seed 1
      Then its configuration holds
        | key                             | value |
        | n_layer                         | 2     |
        | n_embd                          | 64    |
        | n_head                          | 4     |
        | n_inner                         | 96    |
        | n_positions                     | 32    |
        | vocab_size                      | 512   |
        | resid_pdrop                     | 0.2   |
        | embd_pdrop                      | 0.2   |
        | attn_pdrop                      | 0.3   |
        | activation_function             | relu  |
        | scale_attn_by_inverse_layer_idx | true  |
