"""`python -m foundry.acceptance.allure` installs the report generator, so that later nothing has to be fetched."""

from __future__ import annotations

import sys

from foundry.acceptance.allure import installed_allure
from foundry.errors import FoundryError

if __name__ == "__main__":
    try:
        installed_allure(say=print)
    except FoundryError as error:
        sys.exit(f"foundry: {error}")
