@allure.label.epic:Acceptance
@critical
Feature: The catalogue of planted faults fits the product that it is planted in
  A fault that no longer fits its source proves nothing, and nobody would miss it. So each change of the product shows
  at once which faults of the catalogue it has overtaken.

  @REQ-FAULT-07
  Rule: Every fault can be planted, and has a guard

    Scenario: Each fault of the catalogue changes one place of the product, and names one scenario that guards it
      When the catalogue of planted faults is read
      Then it holds at least 100 faults of at least 12 areas
      And each fits one place of one module of the product, and leaves it valid Python and the sandbox closed
      And each names a guard that is one scenario
