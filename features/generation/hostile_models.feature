@allure.label.epic:Generation
@critical
Feature: A hostile model is refused before anything in it is run or made room for
  Models are downloaded from strangers. Loading one runs no code that came with it, unpickles nothing, and takes
  memory only for weights that are there.

  @REQ-HOSTILE-10
  Rule: A published model is loaded only if its files, sizes and configuration agree

    Scenario: Hostile weights, manifests and sizes are refused as a failure
      When each of these is planted into a published model that is loaded
        | hostile                                                     | said                                                           |
        | no byte at all in its weights                               | is not a whole safetensors file                                |
        | a header of 9,223,372,036,854,775,807 bytes in its weights  | is not a whole safetensors file                                |
        | a header that is longer than the file in its weights        | is not a whole safetensors file                                |
        | a header nested without end in its weights                  | is not a whole safetensors file                                |
        | tensor bytes beyond the file in its weights                 | is not a whole safetensors file                                |
        | two tensors on the same bytes in its weights                | is not a whole safetensors file                                |
        | a shape whose product overflows in its weights              | is not a whole safetensors file                                |
        | a huge shape of no bytes in its weights                     | is not a whole safetensors file                                |
        | tensors of nothing in its weights                           | are too few for the model                                      |
        | a pickle for its weights                                    | is not a whole safetensors file                                |
        | a file of torch.save for its weights                        | is not a whole safetensors file                                |
        | only a pytorch_model.bin                                    | the artifact is damaged                                        |
        | a manifest above its folder                                 | not one inside the folder                                      |
        | a manifest of 3 GB                                          | has 3,000,000,000 bytes, more than the 1,000,000 that are read |
        | 9999 for layers                                             | are too few for the model                                      |
        | 16000000 for hidden_size                                    | are too few for the model                                      |
        | 16000000 for intermediate_hidden_size                       | are too few for the model                                      |
        | a link for its tokenizer                                    | the artifact is damaged                                        |
      Then each is refused in one line with its words, exit code 1
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

    Scenario: Hostile configurations and tokenizers are refused
      When each of these is planted into a published model that is loaded
        | hostile                                                 | said                                                           |
        | a named pipe for its manifest                           | neither a run (run.json) nor an artifact (manifest.json)       |
        | a billion laughs for its configuration                  | holds more than 10,000 values, aliases followed                |
        | a tokenizer nested without end inside                   | holds no tokenizer that can be read                            |
        | a tokenizer with a token of number 4,294,967,000 inside | holds no tokenizer that can be read                            |
        | a tokenizer with a negative token inside                | holds no tokenizer that can be read                            |
        | a pickle for a tokenizer inside                         | holds no tokenizer that can be read                            |
        | a tokenizer of 300 MB inside                            | has 300,000,000 bytes, more than the 200,000,000 that are read |
        | a named pipe for a tokenizer inside                     | holds no tokenizer that can be read                            |
        | a class of its own, with its code inside                | cannot be loaded                                               |
        | sentencepiece of noise inside                           | sentencepiece.model cannot be read                             |
        | a named pipe for sentencepiece inside                   | is not a regular file                                          |
      Then each is refused in one line with its words, exit code 2
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

  @REQ-HOSTILE-11
  Rule: Code that comes with a Hugging Face folder is never run

    Scenario: Hostile Hugging Face folders are refused
      When each of these is planted into a Hugging Face folder that is loaded
        | hostile                               | said                                                            |
        | only a pytorch_model.bin              | no weights as safetensors                                       |
        | a pickle for the weights              | is not a whole safetensors file                                 |
        | a model of its own, with its code     | not a causal model of transformers                              |
        | a tokenizer of its own, with its code | cannot be loaded                                                |
        | an index of weights above the folder  | no weights as safetensors                                       |
        | a configuration nested without end    | is nested too deeply                                            |
        | a configuration of 3 GB               | has 3,000,000,000 bytes, more than the 10,000,000 that are read |
        | 1,000,000,000 for n_layer             | config.json: n_layer                                            |
        | 1,000,000,000,000 for vocab_size      | config.json: vocab_size                                         |
        | 1,000,000,000,000 for n_embd          | config.json: n_embd                                             |
        | a named pipe beside the model         | generation_config.json is neither a file nor a folder           |
      Then each is refused in one line with its words, exit code 2
      And what was planted is as it was
      And nothing of it is executed
      And it takes little memory and time

    Scenario: A model of a known kind is loaded without the code that came with it
      When each of these is planted into a Hugging Face folder that is loaded
        | hostile                            | said |
        | a known model with code of its own | def  |
      Then each is overcome, and its words are said
      And nothing of it is executed
