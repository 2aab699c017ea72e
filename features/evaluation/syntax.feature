@allure.label.epic:Evaluation @critical
Feature: Whether the code that a model writes is code at all is said by the parsers of its language
  A share of texts that parse is worth what its judge is worth: it must find what is broken, must not blame a model for
  being stopped in the middle of a line, and must survive whatever a model writes.

  @REQ-BEHAVE-03
  Rule: A text that ends by itself is judged to its last character

    Scenario Outline: In <language>, a whole text parses and a broken one does not
      When these texts in <language> are judged as they stand
        | prompt | text   | parses | functions |
        | <a>    | <good> | yes    | <count>   |
        | <a>    | <bad>  | no     | <left>    |
        | <a>    | <open> | no     | 0         |
      Then each is judged as its row says

      Examples:
        | language   | a                           | good                                                | count | bad                                     | left | open                          |
        | python     | def f(a):\n                 | \x20   return a\n\n\ndef g():\n    return f(1)\n    | 2     | \x20   return a +\n\n\ndef g():\n    return 1\n | 1    | \x20   return (a\n         |
        | rust       | fn f(a: i32) -> i32 {\n     | \x20   a + 1\n}\n\nfn g() {}\n                      | 2     | \x20   a + + ) 1\n}\n\nfn g() {}\n      | 1    | \x20   a + 1\n              |
        | javascript | function f(a) {\n           | \x20 return a;\n}\nconst g = (b) => b + 1;\n        | 2     | \x20 return a b c;\n}\nconst g = (b) => b;\n | 1    | \x20 return a;\n            |
        | go         | package p\n\nfunc f() int {\n | \treturn 1\n}\n\nfunc (t T) g() {\n}\n            | 2     | \treturn 1 2\n}\n\nfunc g() {\n}\n      | 1    | \treturn 1\n                  |
        | java       | class A {\n  int f() {\n    | \x20   return 1;\n  }\n  A() {}\n}\n                | 2     | \x20   return 1\n  }\n  A() {}\n}\n      | 1    | \x20   return 1;\n          |
        | c          | int f(int a) {\n            | \x20   return a;\n}\n\nint g(void) { return 1; }\n  | 2     | \x20   return a a;\n}\n\nint g(void) { return 1; }\n | 1 | \x20   return a;\n        |

    Scenario: In Python a text must compile, too
      When these texts in python are judged as they stand
        | prompt | text               | parses | compiles | problem                                |
        | x = 1\n | y = x + 1\n       | yes    | yes      |                                        |
        | x = 1\n | return x\n        | no     | no       | line 2: 'return' outside function      |
        | x = 1\n | print "hello"\n   | no     | no       | line 2: Missing parentheses in call    |
        | x = 1\n | x = \x00\n        | no     | no       | null bytes                             |
      Then each is judged as its row says

    Scenario: Python is compiled and never run
      When a text is judged that would make a file if it was run
      Then it parses, and there is no file

    Scenario: Errors are marked where they are, and their share is that of the bytes
      When these texts in rust are judged as they stand
        | prompt     | text                  | parses | marked  | share |
        | fn f() {\n | \x20 let é = ) 1;\n}\n | no     | )       | 0.037 |
        | fn f() {\n | \x20 let a = 1\n}\n   | no     | missing | 0     |
      Then each is judged as its row says

  @REQ-BEHAVE-04
  Rule: A text that was cut by its length is judged without its unfinished end

    Scenario Outline: What <language> leaves unfinished is no mistake, and a mistake before it is one
      When these texts in <language> are judged as cut by their length
        | prompt | text   | parses | judged   |
        | <a>    | <one>  | yes    | <first>  |
        | <a>    | <two>  | yes    | <second> |
        | <a>    | <bad>  | no     |          |
      Then each is judged as its row says

      Examples:
        | language   | a                           | one                                      | first                      | two                                                | second                    | bad                                             |
        | python     | def f(a):\n                 | \x20   b = g(a,\n          c, d          | \x20   b = g(a,\n          c, d | \x20   try:\n        x = a\n        y = foo(   | \x20   try:\n        x = a\n        y = foo( | \x20   b = = 3\n    c = 4\n    d = 5\n    e =  |
        | python     | def f(a):\n                 | \x20   """A text\n    over lines         | \x20   """A text\n    over lines | \x20   return a\n\n@cache\ndef                 | \x20   return a\n\n@cache\n | \x20   return a\n```\n\nThis function is       |
        | rust       | fn f() -> i32 {\n           | \x20   let x = a\n        .b()\n        .c | \x20   let x = a\n        .b()\n        .c | \x20   1\n}\n\n#[test]\nfn         | \x20   1\n}\n\n#[test]\n   | \x20   let = = 1;\n    2;\n    3;\n    4         |
        | javascript | function f(a) {\n           | \x20 return g(a, {\n    b: 1,\n          | \x20 return g(a, {\n    b: 1,\n | \x20 const t = `a\n b                        | \x20 const t = `a\n b     | \x20 const const = 1;\n  f();\n  g();\n  h(      |
        | go         | package p\n\nfunc f() {\n   | \tif a {\n\t\tg(1,\n\t\t\t2              | \tif a {\n\t\tg(1,\n\t\t\t2 | \tx := []int{1, 2}\n\tfor                          | \tx := []int{1, 2}\n      | \tx := := 1\n\ty()\n\tz()\n\tw(                 |
        | java       | class A {\n  int f() {\n    | \x20   return 1;\n  }\n\n  /* what\n it  | \x20   return 1;\n  }\n\n  /* what\n it | \x20   int x = 1;\n    if (x >              | \x20   int x = 1;\n | \x20   int x = = 1;\n    f();\n    g();\n    h(   |
        | c          | int f(int a) {\n            | \x20   while (a) {\n        a--;\n       | \x20   while (a) {\n        a--;\n | \x20   return a;\n}\n\nstatic int              | \x20   return a;\n}\n\n    | \x20   int = a;\n    a++;\n    a--;\n    a =     |

    Scenario: A condition over many lines, or a statement over two, is taken away as a whole
      When these texts in c are judged as cut by their length
        | prompt             | text                                                                 | parses | judged              |
        | int f(int a) {\n   | \x20   a++;\n    if (a &&\n        g(a) &&\n        h(a) &&\n        i | yes    | \x20   a++;\n      |
        | int f(int a) {\n   | \x20   a++;\n    int number =\n        another -                           | yes    | \x20   a++;\n      |
        | int f(int a) {\n   | \x20   a++ +;\n    if (a &&\n        g(a) &&\n        h(a) &&\n        i | no   |                     |
      Then each is judged as its row says

    Scenario: A text of one or two wrong lines is not taken away altogether
      When these texts in rust are judged as cut by their length
        | prompt             | text                             | parses |
        | fn f() -> i32 {\n | \x20   let = = 3                  | no     |
        | fn f() -> i32 {\n | \x20   let = = 3;\n    let = = 4   | no     |
        | fn f() -> i32 {\n | \x20   let a = 3;\n    let = = 4   | yes    |
      Then each is judged as its row says

    Scenario: A function that the model did not finish is not counted as complete
      When these texts in python are judged as cut by their length
        | prompt      | text                                                | parses | functions |
        | def f(a):\n | \x20   return a\n\n\ndef g(b):\n    return b        | yes    | 1         |
        | def f(a):\n | \x20   return a                                     | yes    | 0         |
      Then each is judged as its row says

    Scenario: A function whose brace is closed is complete, however the text goes on
      When these texts in c are judged as cut by their length
        | prompt         | text                                 | parses | functions |
        | int f(void) {\n | \x20   return 1;\n}\nint g(void) {\n | yes    | 1         |
      Then each is judged as its row says

  @REQ-BEHAVE-05
  Rule: No text is too much for the judge

    Scenario: What crashes a parser, or takes for ever, is one failed text, and the next is judged as ever
      Given a judge that gives a text 2 seconds
      When it judges these texts, one after another
        | language | text                   | expect   | parses |
        | python   | 100000 times (         |          | no     |
        | python   | 90000 times -          |          | no     |
        | c        | 100000 times {         |          | no     |
        | python   | 300000 times a         |          | no     |
        | python   | 40 times a             | (a+)+\!$ | no     |
        | python   | x = 1                  | x        | yes    |
      Then each parses or not, as its row says, and none took longer than 10 seconds
