@allure.label.epic:Evaluation @blocker
Feature: Code that a model wrote runs where it can do no harm
  Nobody has read it before it runs. It may compute, for a while and with some memory, and nothing else; and what does
  not solve the task must not pass.

  @REQ-SANDBOX-01
  Rule: Time and memory are limited

    Scenario Outline: Code that <body> is stopped, and said to have
      Given a file of the user and a service on this machine
      When the body that <body> is tried, with <cpu> s of processor time, <clock> s on the clock and 500 MB
      Then it comes to the outcome <outcome> within <most> seconds
      And nothing of it is left, nothing was changed, and nobody has called the service

      Examples:
        | body                       | cpu | clock | outcome   | most |
        | loops for ever             | 1   | 90    | timeout   | 60   |
        | sleeps for ever            | 1   | 2     | timeout   | 60   |
        | recurses for ever          | 3   | 90    | exception | 60   |
        | waits for input            | 3   | 90    | exception | 60   |
        | writes answers without end | 60  | 90    | no answer | 60   |

    Scenario Outline: With <memory> MB, code that <body> comes to the outcome <outcome>
      Given a file of the user and a service on this machine
      And a system that limits the memory of a process
      When the body that <body> is tried, with 3 s of processor time, 90 s on the clock and <memory> MB
      Then it comes to the outcome <outcome> within 60 seconds

      Examples:
        | body                     | memory | outcome       |
        | takes all memory at once | 500    | out of memory |
        | takes memory bit by bit  | 500    | out of memory |
        | takes 200 MB             | 500    | passed        |
        | takes 200 MB             | 200    | out of memory |

    Scenario: What is printed is not kept, and a long answer not read
      Given a file of the user and a service on this machine
      When each of these bodies is tried
        | body               | outcome      |
        | prints 1 GB        | passed       |
        | answers with 10 MB | wrong answer |
      Then each comes to its outcome
      And nothing of it is left, nothing was changed, and nobody has called the service

    Scenario: A sandbox does not outlive a process that is killed
      Given a file of the user and a service on this machine
      And a process that tries a body which sleeps for ever, with 3 s on the clock
      When that process is killed with SIGKILL
      Then its sandbox ends within 6 seconds

  @REQ-SANDBOX-02
  Rule: Files, network, other processes and signals are out of reach

    Scenario: The first forbidden act ends the attempt
      Given a file of the user and a service on this machine
      When each of these bodies is tried
        | body                                | outcome       |
        | writes a file of 1 GB               | forbidden act |
        | writes outside its folder           | forbidden act |
        | writes outside and hides the error  | forbidden act |
        | removes a file of the user          | forbidden act |
        | renames a file of the user          | forbidden act |
        | reads a file of the user            | forbidden act |
        | reads the password file             | forbidden act |
        | reads the known results             | forbidden act |
        | lists a folder                      | forbidden act |
        | opens a socket                      | forbidden act |
        | sends with a library for the web    | forbidden act |
        | starts 63 copies of itself          | forbidden act |
        | starts a program                    | forbidden act |
        | starts a program through a shell    | forbidden act |
        | leaves a process in the background  | forbidden act |
        | becomes another program             | forbidden act |
        | starts a thread                     | forbidden act |
        | kills its parent                    | forbidden act |
        | kills every process                 | forbidden act |
        | calls the C library                 | forbidden act |
        | looks for objects in memory         | forbidden act |
        | raises its limits                   | forbidden act |
      Then each comes to its outcome
      And nothing of it is left, nothing was changed, and nobody has called the service

    Scenario: On Linux the kernel forbids what the interpreter does not see
      Given a file of the user and a service on this machine
      And a kernel that filters system calls
      When each of these bodies is tried
        | body                          | outcome       |
        | asks whether a file exists    | forbidden act |
        | opens a pipe                  | forbidden act |
        | makes a file in memory        | forbidden act |
        | leaves its session            | forbidden act |
        | makes a named pipe            | forbidden act |
        | lowers the priority of others | forbidden act |
        | takes a processor for itself  | forbidden act |
      Then each comes to its outcome
      And nothing of it is left, nothing was changed, and nobody has called the service

    Scenario: Where the kernel has no filter, the interpreter and the limits forbid the same
      Given a file of the user and a service on this machine
      When each of these bodies is tried where the kernel filters nothing
        | body                                | outcome       |
        | writes a file of 1 GB               | forbidden act |
        | writes outside its folder           | forbidden act |
        | writes outside and hides the error  | forbidden act |
        | removes a file of the user          | forbidden act |
        | renames a file of the user          | forbidden act |
        | reads a file of the user            | forbidden act |
        | reads the known results             | forbidden act |
        | lists a folder                      | forbidden act |
        | opens a socket                      | forbidden act |
        | starts a program                    | forbidden act |
        | starts a program through a shell    | forbidden act |
        | leaves a process in the background  | forbidden act |
        | becomes another program             | forbidden act |
        | kills its parent                    | forbidden act |
        | calls the C library                 | forbidden act |
        | looks for objects in memory         | forbidden act |
        | opens a pipe                        | exception     |
      Then each comes to its outcome
      And nothing of it is left, nothing was changed, and nobody has called the service

    Scenario: Secrets of the environment do not come into the sandbox
      Given a file of the user and a service on this machine
      And a secret in the environment
      When each of these bodies is tried
        | body                                  | outcome      |
        | looks for a secret in the environment | wrong answer |
      Then each comes to its outcome

  @REQ-SANDBOX-03
  Rule: Only right results pass

    Scenario: What merely looks like a success is none
      Given a file of the user and a service on this machine
      When each of these bodies is tried
        | body                                    | outcome       |
        | exits with 0                            | exception     |
        | ends the process with 0                 | no answer     |
        | prints that it passed                   | wrong answer  |
        | returns what equals everything          | wrong answer  |
        | returns a number that equals all        | wrong answer  |
        | returns True for every number           | wrong answer  |
        | returns text that looks like the number | wrong answer  |
        | writes its own verdict                  | no answer     |
        | writes its own answers                  | no answer     |
        | writes brackets without end             | no answer     |
        | writes an endless number                | no answer     |
        | closes the channel                      | no answer     |
        | replaces the writer of JSON             | wrong answer  |
        | replaces the comparison                 | wrong answer  |
        | patches the library for tests           | forbidden act |
        | looks for the results in all frames     | wrong answer  |
      Then each comes to its outcome

    Scenario Outline: Where <expected> is expected, <returned> is <outcome>
      When a function that should return <expected> returns <returned>
      Then its outcome is "<outcome>"

      Examples:
        | expected    | returned            | outcome      |
        | 1           | 1                   | passed       |
        | 1           | True                | wrong answer |
        | True        | 1                   | wrong answer |
        | 1           | 1.0                 | passed       |
        | 1.5         | 1.5 + 1e-12         | passed       |
        | 1.5         | 1.5001              | wrong answer |
        | 1.5         | 10**400             | wrong answer |
        | 1.5         | float("nan")        | wrong answer |
        | 2**60       | 2**60 + 1           | wrong answer |
        | None        | 0                   | wrong answer |
        | "1"         | 1                   | wrong answer |
        | ""          | None                | wrong answer |
        | [1, 2]      | (1, 2)              | wrong answer |
        | (1, 2)      | (1, 2)              | passed       |
        | (1, 2)      | [1, 2]              | wrong answer |
        | [1, 2]      | [1, 2, 3]           | wrong answer |
        | [1, 2]      | [2, 1]              | wrong answer |
        | [1, 2]      | {1, 2}              | wrong answer |
        | [[1], "a"]  | [[1], "a"]          | passed       |
        | {"a": 1}    | {"a": 1}            | passed       |
        | {"a": 1}    | {"a": 2}            | wrong answer |
        | {"a": 1}    | {"a": 1, "b": 2}    | wrong answer |
        | {"a": 1}    | {1: 1}              | wrong answer |
        | {}          | []                  | wrong answer |

  @REQ-SANDBOX-04
  Rule: Ordinary code runs as it does elsewhere

    Scenario Outline: A body that <does> passes
      When a right body is tried that first runs this
        """
        <code>
        """
      Then the attempt is said to have passed

      Examples:
        | does                            | code                                                                      |
        | prints                          | print("squares", numbers)                                                 |
        | counts                          | from collections import Counter, defaultdict; Counter(numbers)            |
        | calculates                      | import math, statistics, fractions; math.isqrt(9); fractions.Fraction(1, 3) |
        | uses exact decimals             | from decimal import Decimal; Decimal(1) / 3                               |
        | searches text                   | import re, string; re.findall("a+", "aab")                                |
        | reads dates                     | import datetime; datetime.datetime.strptime("2024-02-29", "%Y-%m-%d")      |
        | asks for the time               | import time; time.localtime(); time.sleep(0.01)                           |
        | draws at random                 | import random; random.shuffle(numbers[:])                                 |
        | sorts with a heap               | import heapq, bisect, itertools, functools; heapq.nlargest(1, numbers)    |
        | declares a data class           | from dataclasses import dataclass; dataclass(type("Point", (), {}))       |
        | names types                     | from typing import Dict, List, Optional; squares: List[int] = []          |
        | copies and writes JSON          | import copy, json; copy.deepcopy(numbers); json.loads(json.dumps(numbers)) |
        | has a strange text in it        | "\d"                                                                      |
        | fails while it cleans up        | type("Bad", (), {"__del__": lambda self: 1 / 0})()                        |
        | catches its own errors          | exec("try: 1 / 0\nexcept ZeroDivisionError: pass")                        |
