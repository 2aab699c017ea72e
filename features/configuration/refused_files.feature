# Everything that an experiment's file may not say, with the words that its writer gets.
@allure.label.epic:Configuration @critical
Feature: A mistake in an experiment's file is explained before anything is spent
  Whoever wrote the file learns in one go which file, which key, what is wrong with the value
  and what to do about it, and no run is begun on a misread wish.

  @REQ-CONFIG-05
  Rule: A value that breaks its key's rule is refused with the value and the rule

    Scenario: A number that is none, or lies outside of its range, is refused
      When these changes are made to a valid experiment, one row at a time
        | change                                   | message                                                                             |
        | model.layers: 0                          | tiny.yaml: model.layers: must be at least 1, got 0                                  |
        | model.layers: 2.5                        | tiny.yaml: model.layers: must be a whole number, got 2.5                            |
        | model.layers: four                       | tiny.yaml: model.layers: must be a number, got four                           |
        | model.layers: true                       | tiny.yaml: model.layers: must be a number, got true                                 |
        | model.layers: [4]                        | tiny.yaml: model.layers: must be a number, got [4]                            |
        | model.layers: null                       | tiny.yaml: model.layers: is empty; give it a value, or remove the key to use its default |
        | model.dropout: 1                         | tiny.yaml: model.dropout: must be below 1, got 1                                    |
        | model.dropout: -0.1                      | tiny.yaml: model.dropout: must be at least 0, got -0.1                              |
        | training.gradient_accumulation_steps: 0  | tiny.yaml: training.gradient_accumulation_steps: must be at least 1, got 0          |
        | training.learning_rate: 0                | tiny.yaml: training.learning_rate: must be above 0, got 0                           |
        | training.min_learning_rate_ratio: 1.01   | tiny.yaml: training.min_learning_rate_ratio: must be at most 1, got 1.01            |
        | data.max_sequence_length: 1              | tiny.yaml: data.max_sequence_length: must be at least 2, got 1                      |
        | data.validation_fraction: 1.0            | tiny.yaml: data.validation_fraction: must be below 1, got 1.0                       |
        | tokenizer.vocab_size: 299                | tiny.yaml: tokenizer.vocab_size: must be at least 300, got 299                      |
        | generation.temperature: 2.1              | tiny.yaml: generation.temperature: must be at most 2, got 2.1                       |
        | acceptance.steps: 3                      | tiny.yaml: acceptance.steps: must be at least 4, got 3                              |
        | acceptance.steps: 1001                   | tiny.yaml: acceptance.steps: must be at most 1,000, got 1001                        |
        | acceptance.max_memory_mb: 0              | tiny.yaml: acceptance.max_memory_mb: must be above 0, got 0                         |
        | acceptance.samples: 0                    | tiny.yaml: acceptance.samples: must be at least 1, got 0                            |
        | acceptance.max_new_tokens: 0             | tiny.yaml: acceptance.max_new_tokens: must be at least 1, got 0                     |
        | acceptance.temperature: -1               | tiny.yaml: acceptance.temperature: must be at least 0, got -1                       |
        | acceptance.min_success_rate: 0           | tiny.yaml: acceptance.min_success_rate: must be above 0, got 0                      |
        | acceptance.min_parse_rate: 95            | tiny.yaml: acceptance.min_parse_rate: must be at most 1, got 95                     |
        | acceptance.max_perplexity: 1             | tiny.yaml: acceptance.max_perplexity: must be above 1, got 1                        |
        | acceptance.min_pass_at_1: 1.5            | tiny.yaml: acceptance.min_pass_at_1: must be at most 1, got 1.5                     |
        | random_seed: -1                          | tiny.yaml: random_seed: must be at least 0, got -1                                  |
        | training.checkpoint_schedule: [5, x]     | tiny.yaml: training.checkpoint_schedule[1]: must be a number, got x           |
      Then each is refused with exactly its message
      And the JSON Schema refuses each of them

    Scenario: A number that is not finite is refused
      When these changes are made to a valid experiment, one row at a time
        | change                       | message                                                              |
        | training.learning_rate: .inf | tiny.yaml: training.learning_rate: must be a finite number, got inf  |
        | training.learning_rate: .nan | tiny.yaml: training.learning_rate: must be a finite number, got nan  |
        | training.learning_rate: inf  | tiny.yaml: training.learning_rate: must be a number, got inf |
        | training.train_steps: .inf   | tiny.yaml: training.train_steps: must be a finite number, got inf    |
      Then each is refused with exactly its message

    Scenario: A text, a choice, a switch or a list of another kind is refused
      When these changes are made to a valid experiment, one row at a time
        | change                                    | message                                                                                                 |
        | experiment_name: 123                      | tiny.yaml: experiment_name: must be text, got 123; put it in quotes                                     |
        | experiment_name: no                       | tiny.yaml: experiment_name: must be text, got false; put it in quotes                                   |
        | experiment_name: ../x                     | tiny.yaml: experiment_name: must be 1 to 100 letters, digits, dots, dashes and underscores, and begin with a letter or a digit, got ../x |
        | model.activation_function: swish          | tiny.yaml: model.activation_function: must be one of silu, gelu, relu, got swish                        |
        | training.learning_rate_schedule: Cosinus  | tiny.yaml: training.learning_rate_schedule: must be one of cosine, linear, constant, got Cosinus; did you mean cosine? |
        | logging.level: info                       | tiny.yaml: logging.level: must be one of DEBUG, INFO, WARNING, ERROR, got info; did you mean INFO?      |
        | artifacts.store: s3                       | tiny.yaml: artifacts.store: must be one of local, wandb, got s3                                         |
        | wandb.entity: my team                     | tiny.yaml: wandb.entity: must be 1 to 64 letters, digits, dashes and underscores, got my team           |
        | wandb.entity: a/b                         | tiny.yaml: wandb.entity: must be 1 to 64 letters, digits, dashes and underscores, got a/b               |
        | wandb.project: ''                         | tiny.yaml: wandb.project: must be 1 to 64 letters, digits, dots, dashes and underscores, got ''         |
        | wandb.project: what?                      | tiny.yaml: wandb.project: must be 1 to 64 letters, digits, dots, dashes and underscores, got what?      |
        | wandb.mode: dryrun                        | tiny.yaml: wandb.mode: must be one of online, offline, disabled, got dryrun                             |
        | training.use_amp: 1                       | tiny.yaml: training.use_amp: must be true or false, got 1                                               |
        | training.device: gpu                      | tiny.yaml: training.device: must be auto, cpu, cuda, cuda:<number> or mps, got gpu                      |
        | training.output_dir: ''                   | tiny.yaml: training.output_dir: must name a file or a folder, got ''                                    |
        | training.output_dir: [runs]               | tiny.yaml: training.output_dir: must be a path, got [runs]                                              |
        | data.git.languages: python                | tiny.yaml: data.git.languages: must be a list, such as [a, b], got python                               |
        | acceptance.prompts: python                | tiny.yaml: acceptance.prompts: must be a list, such as [a, b], got python                               |
        | acceptance: strict                        | tiny.yaml: acceptance: must be a section with keys, got strict                                          |
        | data.git.revision: --all                  | tiny.yaml: data.git.revision: must not be empty or begin with a dash, got --all                         |
        | data.git: true                            | tiny.yaml: data.git: must be a section with keys, got true                                              |
        | tokenizer: null                           | tiny.yaml: tokenizer: is empty; give it a value, or remove the key to use its default                   |
      Then each is refused with exactly its message
      And the JSON Schema refuses each of them

  @REQ-CONFIG-06
  Rule: A key that is not known, or is missing, is refused with the nearest one

    Scenario: An unknown key is refused with a hint at what was meant
      When these changes are made to a valid experiment, one row at a time
        | change                     | message                                                                                               |
        | training.learning_rat: 1   | tiny.yaml: training.learning_rat: unknown key; did you mean learning_rate?                            |
        | modle: {layers: 2}         | tiny.yaml: modle: unknown key; did you mean model?                                                    |
        | learning_rate: 1           | tiny.yaml: learning_rate: unknown key; it belongs under training                                      |
        | data.languages: [python]   | tiny.yaml: data.languages: unknown key; it belongs under data.git                                     |
        | model.random_seed: 1       | tiny.yaml: model.random_seed: unknown key; it belongs under the top of the file                       |
        | acceptance.min_parse: 1    | tiny.yaml: acceptance.min_parse: unknown key; did you mean min_parse_rate?                            |
        | artifacts.bucket: x        | tiny.yaml: artifacts.bucket: unknown key; the known keys are store, path, upload_timeout, keep_local_checkpoints |
        | training.magic: x          | tiny.yaml: training.magic: unknown key; `foundry schema` lists the known keys                         |
        | experiment_name: (absent)  | tiny.yaml: experiment_name: is missing, and has no default                                            |
        | training: (absent)         | tiny.yaml: training: is missing, and has no default                                                   |
      Then each is refused with exactly its message
      And the JSON Schema refuses each of them

  @REQ-CONFIG-07
  Rule: Keys that contradict each other are refused with both of their values

    Scenario: A rule over several keys is refused where it is broken
      When these changes are made to a valid experiment, one row at a time
        | change                                                             | message                                                                                                    |
        | model: {hidden_size: 100, attention_heads: 3}                      | tiny.yaml: model: hidden_size (100) must be divisible by attention_heads (3)                               |
        | model: {attention_heads: 4, key_value_heads: 3}                    | tiny.yaml: model: attention_heads (4) must be divisible by key_value_heads (3)                             |
        | model: {hidden_size: 12, attention_heads: 4}                       | tiny.yaml: model: hidden_size / attention_heads is 3; rotary embedding needs an even number: change one of them |
        | model: {architecture_options: {n_ctx: 5}}                          | tiny.yaml: model: architecture_options is read only with a transformers architecture; remove it            |
        | model: {architecture: gpt2, embedding_size: 64}                    | tiny.yaml: model: embedding_size (64) must equal hidden_size (256) for architecture gpt2                   |
        | training.warmup_steps: 100                                         | tiny.yaml: training: warmup_steps (100) must be below train_steps (100)                                    |
        | training.epochs: 1                                                 | tiny.yaml: training: needs exactly one of epochs and train_steps, found both; set one to null              |
        | training.train_steps: null                                         | tiny.yaml: training: needs exactly one of epochs and train_steps, found neither                            |
        | training.checkpoint_schedule: [10, 5]                              | tiny.yaml: training.checkpoint_schedule: must be ascending steps without repetition, got [10, 5]           |
        | training: {epochs: 1, use_amp: true, amp_dtype: float16, device: cpu} | tiny.yaml: training: amp_dtype float16 needs a GPU, but device is cpu; use bfloat16                     |
        | training.early_stopping_patience: 2; data.validation_fraction: 0   | tiny.yaml: training.early_stopping_patience needs validation losses: set data.validation_fraction above 0 or name data.test_corpus |
        | data.source_corpus: texts                                          | tiny.yaml: data: needs exactly one of git, source_corpus, training_corpus and prepared, found git and source_corpus; set the others to null |
        | data.git: null                                                     | tiny.yaml: data: needs exactly one of git, source_corpus, training_corpus and prepared, found none; add one, such as `git: {repository: .}` |
        | data.prepared: sequences                                           | tiny.yaml: data: needs exactly one of git, source_corpus, training_corpus and prepared, found git and prepared; set the others to null |
        | data: {git: null, prepared: a, text_field: body}                   | tiny.yaml: data: text_field (body) is about text, and prepared holds tokens; remove one of them |
        | data: {git: null, prepared: a, format: prompt_completion}          | tiny.yaml: data: format (prompt_completion) is about text, and prepared holds tokens; remove one of them |
        | data: {git: null, prepared: a}; tokenizer.vocab_size: 500          | tiny.yaml: tokenizer.vocab_size (500) is decided by the tokenizer in data.prepared; remove the section tokenizer |
        | data.test_corpus: texts                                            | tiny.yaml: data: test_corpus goes with training_corpus; use validation_fraction with another source        |
        | data.format: chat; tokenizer: {tokenizer_type: pretrained, name_or_path: a} | tiny.yaml: data: format chat reads the lines of a .jsonl file, and git gives text; name the file in source_corpus, or set format to text |
        | data: {git: null, source_corpus: a.jsonl, format: chat}            | tiny.yaml: data.format chat needs the chat template of a pretrained tokenizer, and tokenizer_type is bpe; name one in tokenizer.name_or_path, or use prompt_completion |
        | data.git: {files: false, commits: false}                           | tiny.yaml: data.git: files and commits are both false, so nothing would be read; set one of them to true   |
        | tokenizer: {tokenizer_type: pretrained}                            | tiny.yaml: tokenizer: tokenizer_type pretrained needs name_or_path: a folder or a name on the model hub    |
        | experiment_name: mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm; artifacts.store: wandb | tiny.yaml: experiment_name and wandb.project give an artifact name of 130 characters, and Weights & Biases takes 128; shorten one of them |
        | model: {pretrained: org/a, layers: 3}                              | tiny.yaml: model: layers (3) is decided by the pretrained model; remove one of them                        |
        | model.quantization: nf4                                            | tiny.yaml: model: quantization (nf4) is for pretrained weights; name them in pretrained, or remove it      |
        | model: {pretrained: org/a, quantization: nf4}                      | tiny.yaml: model.quantization nf4 leaves nothing that can be trained; add a section lora, such as `lora: {r: 8}`, or set it to none |
        | lora: {r: 8}                                                       | tiny.yaml: lora adapts pretrained weights; name them in model.pretrained, or set lora to null              |
        | model.pretrained: org/a; lora: {target_modules: []}                | tiny.yaml: lora: target_modules is empty, so nothing would be trained; name modules, or set it to all-linear |
        | model.pretrained: org/a; lora: {r: 8}; training.use_amp: true      | tiny.yaml: training.use_amp is for weights that are trained whole; with lora, model.compute_dtype decides: remove it |
        | model.pretrained: org/a; tokenizer.vocab_size: 500                 | tiny.yaml: tokenizer.tokenizer_type bpe would number the tokens anew, which the pretrained model does not know; remove the section tokenizer to use the model's own |
        | evaluation: {every_epochs: 1}                                      | tiny.yaml: evaluation: every_epochs needs prompts to continue; name a file, or a shipped one, such as `prompts: [python]` |
        | acceptance: {min_success_rate: 0.5}                                | tiny.yaml: acceptance: min_success_rate needs prompts to continue; name a file, or a shipped one, such as `prompts: [python]` |
        | acceptance: {min_parse_rate: 0.5}                                  | tiny.yaml: acceptance: min_parse_rate needs prompts to continue; name a file, or a shipped one, such as `prompts: [python]` |
        | acceptance.max_perplexity: 20; data.validation_fraction: 0         | tiny.yaml: acceptance.max_perplexity needs documents that are kept for validation: set data.validation_fraction above 0 or name data.test_corpus |
        | tokenizer: {name_or_path: x}                                       | tiny.yaml: tokenizer: name_or_path is read only with tokenizer_type pretrained, not bpe; remove one        |
      Then each is refused with exactly its message

  @REQ-CONFIG-08
  Rule: All mistakes of a file come in one message

    Scenario: Wrong values, unknown keys and broken rules are reported together
      Given the experiment file tiny.yaml
        """
        experiment_name: tiny
        data: {source_corpus: texts, validation_fraction: 0}
        modle: {}
        model: {layers: 0, hidden_size: 100, attention_heads: 3, key_value_heads: 2}
        training: {epochs: 1, train_steps: 2, learning_rate: abc, early_stopping_patience: 2}
        """
      When the file tiny.yaml is loaded
      Then it is refused with exactly
        """
        tiny.yaml: model.layers: must be at least 1, got 0
        tiny.yaml: training.learning_rate: must be a number, got abc
        tiny.yaml: modle: unknown key; did you mean model?
        tiny.yaml: training.early_stopping_patience needs validation losses: set data.validation_fraction above 0 or name data.test_corpus
        tiny.yaml: model: hidden_size (100) must be divisible by attention_heads (3)
        tiny.yaml: model: attention_heads (3) must be divisible by key_value_heads (2)
        tiny.yaml: training: needs exactly one of epochs and train_steps, found both; set one to null
        """

    Scenario: A wrong key hides no other mistake and accuses no right one
      Given the experiment file tiny.yaml
        """
        data: 3
        model: {hidden_size: 100, attention_heads: three, key_value_heads: 2}
        training: {epochs: soon, warmup_steps: 5}
        """
      When the file tiny.yaml is loaded
      Then it is refused with exactly
        """
        tiny.yaml: experiment_name: is missing, and has no default
        tiny.yaml: data: must be a section with keys, got 3
        tiny.yaml: model.attention_heads: must be a number, got three
        tiny.yaml: training.epochs: must be a number, got soon
        """

  @REQ-CONFIG-09
  Rule: A file that is not YAML, or is too clever, is refused with the place

    Scenario: Text that is not one plain mapping is refused with its place
      When files with these texts are loaded, one row at a time
        | text | message |
        | a: 1\nb: 2\na: 3 | tiny.yaml: line 3, column 1: the key a was given before, in line 1; remove one of them |
        | t: {x: 1, x: 1} | tiny.yaml: line 1, column 11: the key x was given before, in line 1; remove one of them |
        | a: [1 | tiny.yaml: line 2, column 1: expected ',' or ']', but got '<stream end>' |
        | a:\n\tb: 1 | tiny.yaml: line 2, column 1: found character '\t' that cannot start any token; indent with spaces |
        | a: b: c | tiny.yaml: line 1, column 5: mapping values are not allowed here |
        | a: 1\n---\nb: 2 | tiny.yaml: line 2, column 1: expected a single document in the stream, but found another document |
        | a: !!python/object/apply:os.abort [] | tiny.yaml: line 1, column 4: the tag !!python/object/apply:os.abort is not read here; remove it |
        | a: !!set {x} | tiny.yaml: line 1, column 4: the tag !!set is not read here; remove it |
        | 1: x | tiny.yaml: line 1, column 1: a key must be text; put it in quotes |
        | a: &a [*a] | tiny.yaml: an alias contains itself |
        | - a\n- b | tiny.yaml: must be a mapping of keys to values, got [a, b] |
        | hello | tiny.yaml: must be a mapping of keys to values, got hello |
        | # nothing | tiny.yaml: is empty; an experiment begins like `experiment_name: my-model` |
      Then each is refused with exactly its message

    Scenario: Aliases that stand for a billion values are refused without being followed
      Given a file bomb.yaml in which nine lines of aliases stand for 1,000,000,000 values
      When the file bomb.yaml is loaded
      Then it is refused with exactly
        """
        bomb.yaml: holds more than 10,000 values, aliases followed
        """

    Scenario: Lists nested without end are refused
      Given a file deep.yaml with 100000 lists inside one another
      When the file deep.yaml is loaded
      Then it is refused with exactly
        """
        deep.yaml: is nested too deeply
        """

    Scenario: A file in another encoding is refused
      Given a file latin.yaml with the bytes 61 3a 20 e4 0a
      When the file latin.yaml is loaded
      Then it is refused with exactly
        """
        latin.yaml: is not UTF-8 text (byte 0xe4 at 3); save it as UTF-8
        """

    Scenario: A file with a control character is refused
      Given a file control.yaml with the bytes 61 3a 20 00 0a
      When the file control.yaml is loaded
      Then it is refused with exactly
        """
        control.yaml: not valid YAML: the character U+0000 may not occur
        """

    Scenario: A file that is far too large is not read
      Given a file weights.yaml of 1000001 bytes
      When the file weights.yaml is loaded
      Then it is refused with exactly
        """
        weights.yaml: is larger than 1,000,000 bytes, so it is not an experiment's YAML file
        """

    Scenario: A file that does not exist is refused with the nearest name
      Given an experiment file my-model.yaml
        """
        experiment_name: x
        """
      When the file my_model.yml is loaded
      Then it is refused with exactly
        """
        my_model.yml: no such file; did you mean my-model.yaml?
        """
