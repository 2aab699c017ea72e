@allure.label.epic:Test_kit
@critical
Feature: A stand-in of Weights & Biases on this machine shows what goes wrong between the client and its server
  Publishing and tracking are tested with the client that users have, against a server that fails on demand.
  It needs no account, and its verdict is red when a new client asks for what nobody has thought of.

  @REQ-WANDB-01
  Rule: The real client finds in it what it put there

    @blocker @wandb_cloud
    Scenario: What one client has published and logged is what another one finds, to the byte
      Given a Weights & Biases service
      When a client logs 3 rows of metrics, and publishes a file of 300000 bytes as "model:best"
      Then another client finds the rows, the configuration and the last metrics
      And another client finds the file, its digest, its metadata and its aliases

    @blocker @wandb_cloud
    Scenario: A run that is taken up again goes on in its own history, and "best" moves to its new version
      Given a Weights & Biases service
      When a client logs the steps 1 to 3, and takes the run up again with the steps 4 to 6 and a better model
      Then another client finds the steps 1 to 6, each once
      And "model:best" is version v1, and "model:v0" is no longer the best

    Scenario: What was published before is not uploaded again
      Given a Weights & Biases service
      When a client publishes a file of 300000 bytes twice, and once more beside a file of 10 bytes
      Then the service has got 300010 bytes of files, and has 2 versions

    Scenario: An upload that was answered with 500 is made once more, and is whole
      Given a Weights & Biases service
      And it answers the first upload with 500
      When a client publishes a file of 300000 bytes
      Then the uploads were answered with 500, 200
      And the service holds that file, to the byte

  @REQ-WANDB-02
  Rule: It is red when a client asks for what it does not know

    @blocker
    Scenario: A test names what its client asked and the service did not know
      When each of these is asked of a service of its own
        | asked                                               | problem                                               |
        | query GetViewer { viewer { id } }                   |                                                       |
        | query Weather { viewer { id } }                     | Weather: the operation is unknown                     |
        | query GetViewer { weather }                         | the field 'weather' of Query is unknown               |
        | query GetViewer { viewer { shoeSize } }             | the field 'shoeSize' of User is unknown               |
        | query GetViewer { project(named: "p") { id } }      | the argument 'named' of the field 'project'           |
        | query GetViewer { viewer { ... on Robot { id } } }  | the type 'Robot' where User stands is unknown         |
        | query GetViewer { viewer { id @cached } }           | the directive @cached is unknown                      |
        | query GetViewer                                     | graphql: '{' is expected                              |
        | GET /weather                                        | GET /weather: the path is unknown                     |
        | GET /storage/guessed/weights.bin                    | no such address was handed out                        |
        | the stream feelings.jsonl                           | file_stream: the field 'feelings.jsonl' is unknown    |
      Then each block ends with the problem, or well where there is none

    Scenario: A test that failed by itself keeps its own reason
      When a block fails by itself after its client asked for what is unknown
      Then the block ends with its own failure

    @blocker
    Scenario: A scenario is broken in the report when its client asked for what is unknown, all steps passed
      Given a suite with a scenario that asks for the unknown, and one for the real service
      When the suite is run with the tags "@wandb_cloud or @normal" and without a key
      Then the results in the report are
        | scenario                     | status  | reason                                                               |
        | A client asks for weather    | broken  | the client asked what the service does not know                      |
        | A client asks who it is      | passed  |                                                                      |
        | The real service answers     | skipped | needs an account of Weights & Biases: WANDB_API_KEY is not set       |

    Scenario: Without the tag being asked for, scenarios of the real service meet the one on this machine
      Given a suite with a scenario that asks for the unknown, and one for the real service
      When the suite is run with the tags "@minor" and without a key
      Then the results in the report are
        | scenario                 | status | reason |
        | The real service answers | passed |        |

  @REQ-WANDB-03
  Rule: Each fault does what it says to what it names, and to nothing else

    Scenario: The outcome of every kind of request under every fault
      Given a service that holds a file of 300000 bytes
      When each fault is in force for a while, and everything is tried
        | fault                              | upload | download    | manifest | viewer | metrics |
        | none                               | 200    | 200         | 200      | 200    | 200     |
        | 500 at upload                      | 500    | 200         | 200      | 200    | 200     |
        | 429 at file_stream                 | 200    | 200         | 200      | 200    | 429     |
        | 503 at any                         | 503    | 503         | 503      | 503    | 503     |
        | 500 at graphql                     | 200    | 200         | 200      | 500    | 200     |
        | 400 at GetViewer                   | 200    | 200         | 200      | 400    | 200     |
        | 500 at CreateArtifact              | 200    | 200         | 200      | 200    | 200     |
        | 403 at download                    | 200    | 403         | 200      | 200    | 200     |
        | 403 at download of other.bin       | 200    | 200         | 200      | 200    | 200     |
        | 403 at download of weights.bin     | 200    | 403         | 200      | 200    | 200     |
        | reset at any                       | cut    | cut         | cut      | cut    | cut     |
        | reset at upload                    | cut    | 200         | 200      | 200    | 200     |
        | cut after 1000 bytes at upload     | cut    | 200         | 200      | 200    | 200     |
        | cut after 1000 bytes at download   | 200    | cut at 1000 | 200      | 200    | 200     |
        | silence at file_stream             | 200    | 200         | 200      | 200    | none    |
        | a flipped byte at download         | 200    | damaged     | 200      | 200    | 200     |
        | another digest in the manifest     | 200    | 200         | damaged  | 200    | 200     |
      Then the outcomes are those of the table
      And everything is answered with 200 once the service is healed

    Scenario: A fault for two requests is met by two
      Given a service that holds a file of 300000 bytes
      When 2 uploads are to be answered with 429, and 3 are made
      Then the uploads get the answers 429, 429, 200

    Scenario: A request that got no answer gets it when the service is healed
      Given a service that holds a file of 300000 bytes
      When a download hangs, and the service is healed meanwhile
      Then the download is whole

    Scenario Outline: A slow link takes its time: <act>
      Given a service that holds a file of 300000 bytes
      When an <act> at 1000000 bytes a second is made
      Then it takes at least 250 ms, and is whole

      Examples:
        | act      |
        | upload   |
        | download |

  @REQ-WANDB-04
  Rule: It keeps what a server keeps, and no more

    @blocker
    Scenario: A service that dies refuses connections, and comes back with all that it had
      Given a service that holds a file of 300000 bytes
      When it dies while a download is under way, and comes back
      Then the download was cut, and connections were refused meanwhile
      And everything is answered with 200, at the same address

    Scenario: A service that dies cuts the connections that clients keep open
      Given a service that holds a file of 300000 bytes
      When it dies while a client keeps a connection open
      Then it is dead within 5 seconds, and the connection is cut

    Scenario: A key that has expired, or is wrong, opens nothing but what was opened before
      Given a service that holds a file of 300000 bytes
      When everything is tried with a wrong key, and once the key has expired
      Then both times the outcomes are
        | upload | download | manifest | viewer | metrics |
        | 200    | 200      | 200      | 401    | 401     |

    Scenario: A file that has changed since it was announced is refused
      Given a service that holds a file of 300000 bytes
      When other bytes than those announced are uploaded
      Then these are refused with 400, and are not kept

    Scenario: Two services in one process know nothing of each other
      Given a service that holds a file of 300000 bytes
      When another service is started, and the first one dies
      Then the other one holds nothing, and answers

    Scenario: What was sent can be searched for secrets, in bodies and in files
      Given a service that holds a file of 300000 bytes
      When 20 bytes in the middle of the file, the name of its project and the key are looked for
      Then the bytes and the name are found, and the key is not

  @REQ-WANDB-05
  Rule: It is a command, too

    Scenario: The command prints the environment of a client, serves, and ends well on Ctrl-C
      When the command is started, asked in the environment that it prints, and gets Ctrl-C
      Then the client was answered, and the command ends with 0 and leaves no file

    Scenario: The command ends with 1 and names what was unknown
      When the command is started, asked for "/weather", and gets Ctrl-C
      Then the command ends with 1 and says "unknown to the service: GET /weather: the path is unknown"

    Scenario: Bad options of the command are refused in a line
      When the command of the service is started with each of these
        | options         | message                                                                             |
        | --port seventy  | wandb_service: argument --port: seventy is no port: give a number below 65536       |
        | --port 65536    | wandb_service: argument --port: 65536 is no port: give a number below 65536         |
        | --port TAKEN    | cannot be listened on: Address already in use; choose another --port (see --help)   |
      Then each start of the command ends with 2 and that message
