@allure.label.epic:Pipeline
Feature: Secrets and mail addresses are taken out before anything is stored
  Histories are full of keys that somebody has committed and removed again. A model that has seen one can say it again,
  so none may reach a file, a token or a vector; and what only looks like one must stay, or the code is spoiled.

  @blocker @REQ-REDACT-01
  Rule: No credential of any known kind is left

    Scenario Outline: A planted <kind> is replaced wherever it stands
      When texts with a planted <kind> in all surroundings are redacted
      Then in each of them it is replaced by <REDACTED:<marker>>, and all else is as it was, byte for byte
      And the counts name each of them by its kind and its place
      And redacting the results again changes nothing

      Examples:
        | kind                      | marker              |
        | AWS access key            | aws-access-key      |
        | AWS secret key            | aws-secret-key      |
        | GitHub personal token     | github-token        |
        | GitHub OAuth token        | github-token        |
        | GitHub app token          | github-token        |
        | GitHub fine-grained token | github-token        |
        | GitLab token              | gitlab-token        |
        | Slack token               | slack-token         |
        | Slack webhook             | slack-webhook       |
        | Stripe live key           | stripe-key          |
        | Stripe live key, long     | stripe-key          |
        | Twilio account            | twilio-key          |
        | Twilio key                | twilio-key          |
        | SendGrid key              | sendgrid-key        |
        | Mailchimp key             | mailchimp-key       |
        | npm token                 | npm-token           |
        | npm registry line         | npm-token           |
        | PyPI token                | pypi-token          |
        | Azure storage key         | azure-storage-key   |
        | Google service account    | private-key         |
        | Google API key            | google-api-key      |
        | Google OAuth secret       | google-oauth-secret |
        | JSON web token            | json-web-token      |
        | password in a URL         | basic-auth          |
        | database URL              | basic-auth          |
        | connection string         | connection-string   |
        | RSA private key           | private-key         |
        | EC private key            | private-key         |
        | OpenSSH private key       | private-key         |
        | encrypted private key     | private-key         |
        | PGP private key           | private-key         |
        | PuTTY private key         | private-key         |
        | Discord token             | discord-token       |
        | Telegram token            | telegram-token      |
        | Square OAuth secret       | square-token        |
        | Square access token       | square-token        |
        | Artifactory token         | artifactory-token   |
        | IBM Cloud key             | ibm-cloud-key       |
        | IBM COS key               | ibm-cos-key         |
        | Cloudant password         | cloudant-key        |
        | SoftLayer key             | softlayer-key       |
        | OpenAI key                | openai-key          |
        | OpenAI project key        | openai-key          |
        | Anthropic key             | anthropic-key       |
        | Hugging Face token        | hugging-face-token  |
        | DigitalOcean token        | digitalocean-token  |
        | Shopify token             | shopify-token       |
        | Docker token              | docker-token        |
        | Databricks token          | databricks-token    |
        | Vault token               | vault-token         |
        | Grafana token             | grafana-token       |
        | password                  | password            |
        | database password         | password            |
        | API key                   | password            |
        | client secret             | password            |
        | access token              | token               |
        | bearer header             | bearer-token        |
        | basic header              | basic-auth          |

    Scenario: A password is found in every form of assignment
      When each of these texts is redacted, with a password for SECRET
        | place       | text                                  | is left                                |
        | a.py        | password = "SECRET;x,y&z"             | password = "MARKER"                    |
        | a.py        | connect(db_password='SECRET', port=1) | connect(db_password='MARKER', port=1)  |
        | a.py        | {"admin_passwd": "SECRET"}            | {"admin_passwd": "MARKER"}             |
        | a.py        | if password == "SECRET":              | if password == "MARKER":               |
        | a.go        | dbPassword := "SECRET"                | dbPassword := "MARKER"                 |
        | a.cs        | string password = @"SECRET";          | string password = @"MARKER";           |
        | a.cpp       | std::string secret("SECRET");         | std::string secret("MARKER");          |
        | a.rb        | :password => 'SECRET',                | :password => 'MARKER',                 |
        | a.yaml      | db_password: SECRET # the old one     | db_password: MARKER # the old one      |
        | a.toml      | secret_key = "SECRET"                 | secret_key = "MARKER"                  |
        | a.ini       | passwd=SECRET                         | passwd=MARKER                          |
        | a.sh        | export DB_PASSWORD=SECRET; run        | export DB_PASSWORD=MARKER; run         |
        | Dockerfile  | ENV API_KEY=SECRET                    | ENV API_KEY=MARKER                     |
        | Dockerfile.prod  | ENV DB_PASSWORD=SECRET           | ENV DB_PASSWORD=MARKER                 |
        | app.dockerfile   | ENV DB_PASSWORD=SECRET           | ENV DB_PASSWORD=MARKER                 |
        | .env.production  | DB_PASSWORD=SECRET               | DB_PASSWORD=MARKER                     |
        | app/.env.local   | DB_PASSWORD=SECRET               | DB_PASSWORD=MARKER                     |
        | a.tf        | client_secret = "SECRET"              | client_secret = "MARKER"               |
        | a.properties | jdbc:mysql://h/db?user=app&password=SECRET9&ssl=1 | jdbc:mysql://h/db?user=app&password=MARKER&ssl=1 |
        | a.yaml      | pass: SECRET                          | pass: MARKER                           |
        | a.xml       | <db.password>SECRET</db.password>     | <db.password>MARKER</db.password>      |
        | a.config    | <add key="ApiKey" value="SECRET" />   | <add key="ApiKey" value="MARKER" />    |
        | a.md        | Use `PASSWORD="SECRET"` to sign in    | Use `PASSWORD="MARKER"` to sign in     |
      Then what is left is as it stands there, with markers of passwords

    Scenario: A secret that a later commit has removed is found in the history as well as in files and messages
      Given a repository with every kind of secret in files, in commits that were undone, and in messages
      When all its messages, diffs and files are redacted
      Then nothing of any planted secret is left in them

    @normal
    Scenario: Redaction of secrets can be switched off
      Given redact.secrets is false
      When texts with a planted GitHub personal token in all surroundings are redacted
      Then each of them is as it was

  @critical @REQ-REDACT-02
  Rule: A private key goes as a whole, however it is written down

    Scenario Outline: A private key <written> is one marker
      When a private key <written> is redacted
      Then none of its lines is left, and the lines around it are as they were

      Examples:
        | written                              |
        | with the line ends of Windows        |
        | indented in YAML                     |
        | in a comment                         |
        | as a list of strings                 |
        | without its last line                |
        | without its first line               |
        | that a diff replaces by another      |
        | of which a diff shows the middle     |
        | of which an indented middle is shown |
        | after a line that names another one  |

    Scenario: Code that names the first and last lines of keys is left alone
      When code that tells private keys by their first and last lines is redacted
      Then each of them is as it was

    Scenario: Lines of a diff that only look like those of a key are left alone
      When diffs with long lines that belong to no private key are redacted
      Then each of them is as it was

  @critical @REQ-REDACT-03
  Rule: What only looks like a secret stays

    Scenario: Digests, placeholders and ordinary code are left alone
      When each of these lines is redacted in a file of its kind
        | file              | line                                                                                            |
        | a.py              | password = get_password()                                                                       |
        | a.py              | password = None                                                                                 |
        | a.py              | password: str = ""                                                                              |
        | a.py              | token = tokens[0]                                                                               |
        | a.py              | tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M-Instruct")                |
        | a.py              | pad_token = "<\|endoftext\|>"                                                                   |
        | a.py              | api_key = "<your-api-key>"                                                                      |
        | a.py              | api_key = os.environ["SERVICE_API_KEY"]                                                         |
        | a.py              | secret_name = "database-credentials"                                                            |
        | a.py              | raise ValueError("the password must have 8 characters and a digit")                             |
        | a.py              | key = "content-security-policy-report-only"                                                     |
        | a.py              | primary_key = "id"                                                                              |
        | a.py              | commit = "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"                                             |
        | a.py              | identifier = "123e4567-e89b-12d3-a456-426614174000"                                             |
        | a.py              | ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"                   |
        | a.py              | from a_rather_long_package_name.another_long_module import AnExceptionallyLongClassName2        |
        | a.py              | url = "https://user:password@example.org/"                                                      |
        | a.py              | connect(user=user, password=password, token=token)                                              |
        | a.lock            | sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"                     |
        | package-lock.json | "resolved": "https://registry.npmjs.org/@babel/core/-/core-7.24.0.tgz",                         |
        | package-lock.json | "integrity": "sha512-U3loK4XL7L2EJduQLUnzClclubFelFae2jQRa9nf0DvVCvfq6U8joEVovfhIFEd3bViI9Kh4A==", |
        | go.sum            | github.com/pkg/errors v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=                    |
        | a.yaml            | password: ${DB_PASSWORD}                                                                        |
        | a.yaml            | secret: {{ .Values.secret }}                                                                    |
        | a.yaml            | secretName: registry-credentials                                                                |
        | a.yaml            | api_key: changeme                                                                               |
        | a.yaml            | image: registry.example.org/team/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15 |
        | a.env             | PASSWORD=                                                                                       |
        | a.py              | bypass = "no-checks-at-all-2"                                                                   |
        | a.html            | &lt;protocol&gt;://[&lt;user&gt;[:&lt;password&gt;]@]&lt;host&gt;                                           |
        | a.html            | <span class="token2 keyword-9">password</span><key>F5</key>                                     |
        | a.css             | .token.keyword { color: #a626a4; background: #0184bc }                                          |
        | a.min.js          | !function(e,t){"object"==typeof exports?module.exports=t():e.Password=t()}(this,function(){})   |
        | a.rs              | pub const ACCESS_TOKEN_LIFETIME_IN_SECONDS: u64 = 3600 * 24 * 30;                               |
        | a.go              | func (s *Store) Secret(name string) (*Secret, error) {                                          |
        | message           | Do not log the password: it was shown in plain text                                             |
      Then each of them is as it was

    Scenario: The product's own sources hold no secret
      When the sources of foundry are redacted with their mail addresses kept
      Then each of them is as it was

  @critical @REQ-REDACT-04
  Rule: A mail address becomes a digest that is equal for equal people, and says nothing else

    Scenario: Equal addresses have equal digests
      When the addresses of these people are redacted
        | person    | address                  |
        | Ada       | ada@example.org          |
        | Ada       | Ada@Example.ORG          |
        | Grace     | grace@example.org        |
        | Ada again | ada+work@example.org     |
        | Jürgen    | jürgen@müller.example    |
        | quoted    | "odd name"@example.org   |
        | no domain | root                     |
      Then the same person always has the same digest, and others have others
      And nothing of an address is left in its digest
      And the digest of a digest is itself

    Scenario: Addresses within texts are replaced, and nothing else is
      When each of these texts is redacted
        | text                                                            | is left                                                     |
        | Signed-off-by: Ada <ada@example.org>                            | Signed-off-by: Ada <DIGEST>                                 |
        | Co-authored-by: G. Hopper <grace.m+x@sub.example.co.uk>         | Co-authored-by: G. Hopper <DIGEST>                          |
        | # Ask jürgen@müller.example, or bob@example.org.                | # Ask DIGEST, or DIGEST.                                    |
        | mailto:ada@example.org?subject=hi                               | mailto:DIGEST?subject=hi                                    |
        | authors = ["Ada <ada@example.org>"]                             | authors = ["Ada <DIGEST>"]                                  |
        | git clone git@github.com:team/project.git                       | git clone git@github.com:team/project.git                   |
        | @app.route("/") and @dataclass                                  | @app.route("/") and @dataclass                              |
        | logo@2x.png and icon@3x.jpg                                     | logo@2x.png and icon@3x.jpg                                 |
        | "@types/node": "1.0", lodash@4.17.21, react@latest              | "@types/node": "1.0", lodash@4.17.21, react@latest          |
        | y = query@key.transpose(1, 0) + x@w                             | y = query@key.transpose(1, 0) + x@w                         |
        | uses: actions/checkout@v4.1.0                                   | uses: actions/checkout@v4.1.0                               |
      Then what is left is as it stands there, with digests of the addresses

    Scenario: Addresses are kept where that is asked for
      Given redact.emails is keep
      When each of these texts is redacted
        | text                                 | is left                              |
        | Signed-off-by: Ada <ada@example.org> | Signed-off-by: Ada <ada@example.org> |
      Then what is left is as it stands there, with digests of the addresses
      And the address "Ada@example.org" is kept as it is

  @normal @REQ-REDACT-05
  Rule: What was replaced is counted, exactly, whoever has done it

    Scenario: Counts of several processes add up
      When the planted texts are redacted by one redactor, and by three that share them
      Then the merged counts of the three equal those of the one
      And their total is the number of markers and digests in the texts

    Scenario: Only so many files are named, and the totals stay exact
      When 250 files with a secret each are redacted
      Then the counts name 100 files, and say that 250 secrets stood in 250

  @critical @REQ-REDACT-06
  Rule: Looking only near anchors misses nothing, and no text takes long

    Scenario: On planted secrets and on code, every line tried with every pattern gives no more
      When every pattern is tried on every line of the planted texts and of the sources of click
      Then nothing is found that was not found near the anchors

    Scenario: Whatever a pattern matches, one of its anchors is in it
      When texts are made from every pattern
      Then each of them has an anchor, and each of the library's names has a stem

    Scenario: Long lines made to keep patterns busy are redacted in little time
      When each hostile text of 300,000 characters in one line is redacted
      Then none takes longer than 15 seconds of the processor
