import resource
import subprocess
import sys

import pytest

ASK = """
import resource
from onread.server.descriptors import raise_descriptor_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(raise_descriptor_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard"), [(64, 512), (512, 512)])
def test_the_soft_limit_becomes_the_hard_one(soft, hard):
    program = ASK.format(soft=soft, hard=hard)
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["512", "512", "512"]


def test_it_is_never_lowered():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    program = ASK.format(soft=hard, hard=hard)
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split()[1:] == [str(hard), str(hard)]
