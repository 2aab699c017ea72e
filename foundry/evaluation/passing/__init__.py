"""Does the code that a model writes do what it should? Small functions, tried against calls with known results.

What the model wrote is untrusted and runs in `sandbox`. The known results never enter the process that it runs in:
that process says what each call returned, and `verdict` compares. So no trick within it can pass for a solution.
"""
