"""Libraries that are not needed to build or test, for comparisons: where they are there.

They are those of CAUCE_TEST_SERVERS/frames (tests/support/readers install frames) or of the Python
that runs the test.
"""

import importlib
import os
import sys

SITE = os.path.join(os.environ.get("CAUCE_TEST_SERVERS", "/nowhere"), "frames", "lib",
                    "python%d.%d" % sys.version_info[:2], "site-packages")
if os.path.isdir(SITE):
    sys.path.append(SITE)


def library(name):
    """The module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
