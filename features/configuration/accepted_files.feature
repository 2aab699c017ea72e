# Everything that an experiment's file may say.
@allure.label.epic:Configuration @critical
Feature: An experiment is one YAML file, read as its writer means it
  A user copies an experiment, changes a few keys, and gets exactly what the file says,
  whether an editor checked it against the JSON Schema or not.

  @REQ-CONFIG-01
  Rule: A value means what its writer means, and the JSON Schema agrees with the loader

    Scenario: Every way to write a value is read as its writer means it
      When these changes are made to a valid experiment, one row at a time
        | change                                                        | means                                                             |
        | training.learning_rate: 3e-4                                  | training.learning_rate = 0.0003                                   |
        | training.learning_rate: 3E-4                                  | training.learning_rate = 0.0003                                   |
        | training.learning_rate: 0.0003                                | training.learning_rate = 0.0003                                   |
        | training.learning_rate: '3e-4'                                | training.learning_rate = 0.0003                                   |
        | training.learning_rate: 1                                     | training.learning_rate = 1.0                                      |
        | training.train_steps: 1e3                                     | training.train_steps = 1000                                       |
        | training.train_steps: 1_000                                   | training.train_steps = 1000                                       |
        | training.adam_epsilon: .1e-7                                  | training.adam_epsilon = 1e-08                                     |
        | random_seed: 12345678901234567890                             | random_seed = 12345678901234567890                                |
        | random_seed: '12345678901234567890'                           | random_seed = 12345678901234567890                                |
        | experiment_name: 2026-11-22                                   | experiment_name = '2026-11-22'                                    |
        | experiment_name: 1e5                                          | experiment_name = '1e5'                                           |
        | training.train_steps: null; training.epochs: 3                | training.epochs = 3; training.train_steps = None                  |
        | training.max_grad_norm: null                                  | training.max_grad_norm = None                                     |
        | training.use_amp: yes                                         | training.use_amp = True                                           |
        | training.checkpoint_schedule: [1, 10, 1e2]                    | training.checkpoint_schedule = (1, 10, 100)                       |
        | training.output_dir: my runs                                  | training.output_dir = PosixPath('my runs')                        |
        | data.git: {languages: [python, rust], max_commits: 0}         | data.git.languages = ('python', 'rust'); data.git.max_commits = 0 |
        | data.git: null; data.source_corpus: texts                     | data.git = None; data.source_corpus = PosixPath('texts')          |
        | data.git: null; data.training_corpus: a; data.test_corpus: b  | data.test_corpus = PosixPath('b')                                 |
        | data.git: null; data.prepared: sequences                      | data.prepared = PosixPath('sequences')                            |
        | data: {git: null, prepared: a}; model.pretrained: org/a       | data.prepared = PosixPath('a'); tokenizer.name_or_path = 'org/a'  |
        | data.incremental_context: 5e-1                                | data.incremental_context = 0.5                                    |
        | data.validation_fraction: 0                                   | data.validation_fraction = 0.0                                    |
        | data.attend_across_documents: no                              | data.attend_across_documents = False                              |
        | data: {git: null, source_corpus: a.jsonl, format: chat}; tokenizer: {tokenizer_type: pretrained, name_or_path: a} | data.format = 'chat'          |
        | tokenizer: {tokenizer_type: pretrained, name_or_path: my-bpe} | tokenizer.name_or_path = 'my-bpe'                                 |
        | model: {attention_heads: 6, key_value_heads: 2, hidden_size: 96} | model.key_value_heads = 2                                      |
        | model: {architecture: gpt2, architecture_options: {n_ctx: 9}} | model.architecture_options = {'n_ctx': 9}                         |
        | model.dropout: 0.999                                          | model.dropout = 0.999                                             |
        | generation: {temperature: 0, top_k: 0, top_p: 1}              | generation.temperature = 0.0; generation.top_k = 0                |
        | generation.top_k: null                                        | generation.top_k = None                                           |
        | logging.use_wandb: true                                       | logging.use_wandb = True                                          |
        | monitoring: {interval: 1e-1, memory: {stop: .97}}             | monitoring.interval = 0.1; monitoring.memory.stop = 0.97          |
        | monitoring: {enabled: no, disk_free: {warn: 5e9, stop: 1e9}}  | monitoring.enabled = False; monitoring.disk_free.warn = 5000000000.0 |
        | monitoring.gpu_memory: {warn: null, stop: 1}                  | monitoring.gpu_memory.warn = None; monitoring.gpu_memory.stop = 1.0 |
        | monitoring.gpu_temperature: {warn: 80, stop: 9e1}             | monitoring.gpu_temperature.stop = 90.0                            |
        | evaluation: {every_epochs: 2, prompts: [python, my.yaml], samples: 3} | evaluation.every_epochs = 2; evaluation.prompts = (PosixPath('python'), PosixPath('my.yaml')) |
        | evaluation: {temperature: 0, top_p: null, max_new_tokens: 1e2} | evaluation.temperature = 0.0; evaluation.max_new_tokens = 100    |
        | acceptance: {steps: 8, max_memory_mb: 2e3, max_perplexity: 25, min_pass_at_1: .5} | acceptance.steps = 8; acceptance.max_memory_mb = 2000.0; acceptance.max_perplexity = 25.0; acceptance.min_pass_at_1 = 0.5 |
        | acceptance: {prompts: [rust, my.yaml], min_success_rate: 1, samples: 3} | acceptance.prompts = (PosixPath('rust'), PosixPath('my.yaml')); acceptance.min_success_rate = 1.0 |
        | acceptance: {prompts: [c], min_parse_rate: 9e-1, temperature: 0, max_new_tokens: 9} | acceptance.min_parse_rate = 0.9; acceptance.temperature = 0.0 |
        | acceptance.min_parse_rate: null | acceptance.min_parse_rate = None |
        | wandb: {entity: my-team, project: code.v2, mode: offline}     | wandb.entity = 'my-team'; wandb.project = 'code.v2'               |
        | artifacts: {store: wandb, upload_timeout: 1e3}                | artifacts.store = 'wandb'; artifacts.upload_timeout = 1000.0      |
        | model: {pretrained: org/model, revision: v2, attention: sdpa} | model.revision = 'v2'; tokenizer.name_or_path = 'org/model'       |
        | model: {pretrained: a, quantization: fp4, double_quantization: no, compute_dtype: float32}; lora: {r: 4} | model.double_quantization = False; lora.r = 4 |
        | model: {pretrained: package:weights}; lora: {target_modules: [q_proj], alpha: 1e1, dropout: .1, rslora: yes} | lora.target_modules = ('q_proj',); lora.alpha = 10.0 |
        | model: {pretrained: ./folder}; lora: {target_modules: all-linear, bias: lora_only, dora: true} | lora.target_modules = 'all-linear'; lora.dora = True |
        | training.device: cuda:1                                       | training.device = 'cuda:1'                                        |
      Then each is accepted and means what its row says
      And the JSON Schema accepts each of them
      And the JSON Schema is one itself

    Scenario: An alias and a merged mapping are read as YAML has them
      Given the experiment file tiny.yaml
        """
        experiment_name: tiny
        data: {git: {}, max_sequence_length: &width 64}
        model: {hidden_size: *width}
        training: {<<: {train_steps: 5, use_amp: true}, use_amp: false}
        """
      When the file tiny.yaml is loaded
      Then it is accepted with
        | key                  | value |
        | model.hidden_size    | 64    |
        | training.train_steps | 5     |
        | training.use_amp     | False |

  @REQ-CONFIG-02
  Rule: What is written can be read again, with nothing left to a default

    Scenario: An experiment that was written loads back as an equal one
      When each of these experiments is written as YAML and loaded again
        | change                                                                      |
        | random_seed: 7                                                              |
        | training.learning_rate: 3e-4; training.adam_epsilon: 1e-12                  |
        | training.learning_rate: 0.00030000000000000003                              |
        | experiment_name: '1e5'                                                      |
        | experiment_name: 2026-11-22                                                 |
        | data.git: {repository: 'https://example.org/a b#c.git', exclude: ['*: x']}  |
        | data.git: {repository: 'no'}                                                |
        | data.git: null; data.source_corpus: 'ä: #1'                                 |
        | training.checkpoint_schedule: [1, 2, 3]                                     |
        | model: {architecture: gpt2, architecture_options: {a: [1, {b: null}], c: x}} |
      Then it is equal to the first, and writes the same text

    Scenario: Every default is written out
      When the smallest valid experiment is written as YAML
      Then every key of the JSON Schema stands in it with its default

  @REQ-CONFIG-03
  Rule: Any key can be overridden from the command line

    Scenario: An override replaces the file's value, and makes sections that the file does not have
      Given the experiment file tiny.yaml
        """
        experiment_name: tiny
        data: {git: {repository: .}}
        training: {train_steps: 100, learning_rate: 1}
        """
      When the file tiny.yaml is loaded with the overrides
        | override                                        |
        | training.learning_rate=1e-4                     |
        | model.layers=2                                  |
        | data.git.repository="https://example.org/a#b=c" |
        | data.git.languages=[python]                     |
        | training.max_grad_norm=null                     |
        | training.learning_rate=2e-4                     |
      Then it is accepted with
        | key                    | value                         |
        | training.learning_rate | 0.0002                        |
        | training.train_steps   | 100                           |
        | model.layers           | 2                             |
        | data.git.repository    | 'https://example.org/a#b=c'   |
        | data.git.languages     | ('python',)                   |
        | training.max_grad_norm | None                          |

    Scenario: An override of a section leaves another one as it is that shares its values by an alias
      Given the experiment file tiny.yaml
        """
        experiment_name: tiny
        data: {git: {}}
        training: {train_steps: 5}
        monitoring: {memory: &limits {warn: 0.8, stop: 0.9}, gpu_memory: *limits}
        """
      When the file tiny.yaml is loaded with the overrides
        | override                   |
        | monitoring.memory.warn=0.5 |
      Then it is accepted with
        | key                        | value |
        | monitoring.memory.warn     | 0.5   |
        | monitoring.gpu_memory.warn | 0.8   |

    Scenario: A wrong override is refused, and named as what is wrong
      Given the experiment file tiny.yaml
        """
        experiment_name: tiny
        data: {git: {repository: .}}
        training: {train_steps: 100}
        """
      When the file tiny.yaml is loaded with one of these overrides at a time
        | override                   | message                                                                                           |
        | training.learning_rat=1    | --set: training.learning_rat: unknown key; did you mean learning_rate?                            |
        | training.learning_rate=big | --set: training.learning_rate: must be a number, got big                                          |
        | training.learning_rate     | --set training.learning_rate: must have the form key=value, like training.learning_rate=1e-4      |
        | training..epochs=1         | --set training..epochs=1: must have the form key=value, like training.learning_rate=1e-4          |
        | experiment_name.x=1        | --set experiment_name.x=1: experiment_name is not a section with keys                                 |
        | random_seed.x=1            | --set: random_seed: must be a number, got a section with keys |
        | data.git.languages=[a      | --set data.git.languages: line 1, column 3: expected ',' or ']', but got '<stream end>'           |
        | training.epochs=2          | tiny.yaml: training: needs exactly one of epochs and train_steps, found both; set one to null     |
      Then each is refused with exactly its message

  @REQ-CONFIG-04
  Rule: The fingerprint covers everything that changes the weights, and nothing else

    Scenario: Each key either changes the fingerprint or leaves it as it is
      When these changes are made to a valid experiment, and the fingerprint is taken of each
        | change                                                               | fingerprint |
        | random_seed: 43                                                      | another     |
        | experiment_name: other                                               | the same    |
        | data.git.repository: /elsewhere                                      | the same    |
        | data.git.revision: main                                              | the same    |
        | data.git.files: false                                                | another     |
        | data.git.commits: false                                              | another     |
        | data.git.languages: [python]                                         | another     |
        | data.git.exclude: [vendor/*]                                         | another     |
        | data.git.max_file_bytes: 1000                                        | another     |
        | data.git.max_commits: 9                                              | another     |
        | data.git.max_patch_bytes: 1000                                       | another     |
        | data.git: null; data.source_corpus: texts                            | another     |
        | data.git: null; data.training_corpus: a                              | another     |
        | data.git: null; data.training_corpus: a; data.test_corpus: b         | another     |
        | data.git: null; data.prepared: sequences                             | another     |
        | data.text_field: content                                             | another     |
        | data.git: null; data.source_corpus: a.jsonl; data.format: prompt_completion | another |
        | data.attend_across_documents: false                                  | another     |
        | data.batch_size: 9                                                   | another     |
        | data.max_sequence_length: 255                                        | another     |
        | data.validation_fraction: 0.2                                        | another     |
        | data.max_validation_blocks: 8                                        | another     |
        | data.incremental_context: 0.5                                        | the same    |
        | data.num_workers: 2                                                  | the same    |
        | data.cache_dir: cache                                                | the same    |
        | tokenizer.tokenizer_type: sentencepiece                              | another     |
        | tokenizer.vocab_size: 4097                                           | another     |
        | tokenizer.tokenizer_type: pretrained; tokenizer.name_or_path: my-bpe | another     |
        | tokenizer.output_dir: elsewhere                                      | the same    |
        | model.architecture: gpt2                                             | another     |
        | model.layers: 5                                                      | another     |
        | model.hidden_size: 264                                               | another     |
        | model.embedding_size: 128                                            | another     |
        | model.intermediate_hidden_size: 512                                  | another     |
        | model.attention_heads: 8                                             | another     |
        | model.key_value_heads: 2                                             | another     |
        | model.activation_function: gelu                                      | another     |
        | model.dropout: 0.1                                                   | another     |
        | model.attention_dropout: 0.1                                         | another     |
        | model.tie_embeddings: false                                          | another     |
        | model.rope_theta: 500000                                             | another     |
        | model.rms_norm_epsilon: 1e-6                                         | another     |
        | model.architecture: gpt2; model.architecture_options: {n_ctx: 9}     | another     |
        | model.pretrained: org/model                                          | another     |
        | model.pretrained: org/model; model.revision: v2                      | another     |
        | model.attention: eager                                               | the same    |
        | model.compute_dtype: float32                                         | another     |
        | model.double_quantization: false                                     | another     |
        | model.pretrained: org/model; lora.r: 4                               | another     |
        | model.pretrained: org/model; lora.alpha: 8                           | another     |
        | model.pretrained: org/model; lora.dropout: 0.1                       | another     |
        | model.pretrained: org/model; lora.target_modules: [q_proj]           | another     |
        | model.pretrained: org/model; lora.bias: all                          | another     |
        | model.pretrained: org/model; lora.rslora: true                       | another     |
        | model.pretrained: org/model; lora.dora: true                         | another     |
        | model.pretrained: org/model; lora.r: 8; model.quantization: nf4      | another     |
        | training.output_dir: elsewhere                                       | the same    |
        | training.learning_rate: 0.001000000000000001                         | another     |
        | training.learning_rate: 0.0010000000000000002                        | another     |
        | training.learning_rate_schedule: linear                              | another     |
        | training.min_learning_rate_ratio: 0                                  | another     |
        | training.adam_beta1: 0.8                                             | another     |
        | training.adam_beta2: 0.99                                            | another     |
        | training.adam_epsilon: 1e-9                                          | another     |
        | training.weight_decay: 0                                             | another     |
        | training.train_steps: null; training.epochs: 2                       | another     |
        | training.train_steps: 101                                            | another     |
        | training.warmup_steps: 5                                             | another     |
        | training.warmup_ratio: 0                                             | another     |
        | training.use_amp: true                                               | another     |
        | training.use_amp: true; training.amp_dtype: float16                  | another     |
        | training.gradient_accumulation_steps: 2                              | another     |
        | training.max_grad_norm: null                                         | another     |
        | training.evaluation_interval: 7                                      | another     |
        | training.early_stopping_patience: 3                                  | another     |
        | training.early_stopping_min_delta: 0.01                              | another     |
        | training.checkpoint_schedule: [5, 10]                                | the same    |
        | training.auto_generate_checkpoints: false                            | the same    |
        | training.first_epoch_checkpoints: 5                                  | the same    |
        | training.subsequent_epochs_spacing: linear                           | the same    |
        | training.log_base: 3                                                 | the same    |
        | training.min_checkpoint_interval: 5                                  | the same    |
        | training.keep_checkpoints: null                                      | the same    |
        | training.checkpoint_milestones: [4]                                  | the same    |
        | training.async_checkpoints: false                                    | the same    |
        | training.max_bad_steps: 9                                            | the same    |
        | training.loss_spike_factor: 2                                        | another     |
        | training.use_gradient_checkpointing: true                            | the same    |
        | training.use_tf32: true                                              | another     |
        | training.device: cpu                                                 | the same    |
        | training.parallel: fsdp                                              | the same    |
        | artifacts.store: wandb                                               | the same    |
        | artifacts.upload_timeout: 5                                          | the same    |
        | artifacts.path: elsewhere                                            | the same    |
        | artifacts.keep_local_checkpoints: true                               | the same    |
        | generation.max_new_tokens: 5                                         | the same    |
        | generation.temperature: 1                                            | the same    |
        | generation.top_k: null                                               | the same    |
        | generation.top_p: 0.5                                                | the same    |
        | logging.level: DEBUG                                                 | the same    |
        | logging.dir: elsewhere                                               | the same    |
        | logging.log_interval: 1                                              | the same    |
        | logging.use_wandb: true                                              | the same    |
        | evaluation.prompts: [python]; evaluation.every_epochs: 1             | the same    |
        | evaluation.prompts: [my.yaml]                                        | the same    |
        | evaluation.samples: 3                                                | the same    |
        | evaluation.max_new_tokens: 9                                         | the same    |
        | evaluation.temperature: 0                                            | the same    |
        | evaluation.top_p: 0.5                                                | the same    |
        | acceptance.steps: 9                                                  | the same    |
        | acceptance.max_memory_mb: 4000                                       | the same    |
        | acceptance.prompts: [python]                                         | the same    |
        | acceptance.samples: 3                                                | the same    |
        | acceptance.max_new_tokens: 9                                         | the same    |
        | acceptance.temperature: 0                                            | the same    |
        | acceptance.prompts: [go]; acceptance.min_success_rate: 0.5           | the same    |
        | acceptance.prompts: [c]; acceptance.min_parse_rate: 0.5              | the same    |
        | acceptance.max_perplexity: 20                                        | the same    |
        | acceptance.min_pass_at_1: 0.2                                        | the same    |
        | monitoring.enabled: false                                            | the same    |
        | monitoring.interval: 5                                               | the same    |
        | monitoring.memory.warn: 0.8                                          | the same    |
        | monitoring.memory.stop: 0.97                                         | the same    |
        | monitoring.gpu_memory.warn: 0.8                                      | the same    |
        | monitoring.gpu_memory.stop: 0.97                                     | the same    |
        | monitoring.gpu_temperature.warn: 80                                  | the same    |
        | monitoring.gpu_temperature.stop: 95                                  | the same    |
        | monitoring.disk_free.warn: 5e9                                       | the same    |
        | monitoring.disk_free.stop: 1e9                                       | the same    |
        | wandb.entity: my-team                                                | the same    |
        | wandb.project: code                                                  | the same    |
        | wandb.mode: offline                                                  | the same    |
        | wandb.group: sweep                                                   | the same    |
      Then each fingerprint is as its row says, and no two of the others are equal
      And every key of the JSON Schema is changed there, always with one effect

    Scenario: A default that is written out, in whatever way, leaves the fingerprint as it is
      When these changes are made to a valid experiment, and the fingerprint is taken of each
        | change                       | fingerprint |
        | training.learning_rate: 1e-3 | the same    |
        | training.adam_beta2: '.950'  | the same    |
        | training.train_steps: 1e2    | the same    |
      Then each fingerprint is as its row says, and no two of the others are equal
