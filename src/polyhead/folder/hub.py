"""Names on the Hub."""

import re

HUB_NAME = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")
"""What a name of a model or data set on the Hub looks like; a short path of a folder may look so, too."""
