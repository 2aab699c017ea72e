@allure.label.epic:Evaluation @blocker
Feature: Code that a model wrote runs where it can do no harm
  Nobody has read it before it runs. It may compute, for a while and with some memory, and nothing else; and what does
  not solve the task must not pass.

  @REQ-SANDBOX-01
  Rule: Time and memory are limited

    Scenario: Code that uses too much is stopped, and said to have
      Given a file of the user and a service on this machine
      When each of these bodies is tried, with 1 s of processor time and 3 s on the clock
        | body                              | outcome       |
        | loops for ever                    | timeout       |
        | sleeps for ever                   | timeout       |
        | takes all memory at once          | out of memory |
        | takes memory bit by bit           | out of memory |
        | recurses for ever                 | exception     |
        | waits for input                   | exception     |
      Then each comes to its outcome
      And each was over within 4 seconds
      And nothing of it is left, nothing was changed, and nobody has called the service

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
        | closes the channel                      | no answer     |
        | replaces the writer of JSON             | wrong answer  |
        | replaces the comparison                 | wrong answer  |
        | patches the library for tests           | forbidden act |
        | looks for the results in all frames     | wrong answer  |
      Then each comes to its outcome

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
        | takes 100 MB                    | squares = bytearray(10**8)                                                |
