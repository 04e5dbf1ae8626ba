"""Chunked uploads to a store that is not ours: verified here, framed anew for it, never whole when wrong.

The cases are those of the embedded store.
"""

import pytest
from tests.compat import test_chunked_uploads as cases
from tests.compat.test_chunked_uploads import *  # noqa: F403  (every case, over another store)

pytestmark = [pytest.mark.compat, pytest.mark.slow]

# SeaweedFS keeps "aws-chunked" beside another coding, whoever sends it.
del test_only_the_real_encoding_is_kept  # noqa: F821


@pytest.fixture(scope="module")
def world(over_store):
    """Every bucket is the store's."""
    return over_store


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_T032_every_algorithm_is_checked_in_a_trailer(world, path, algorithm):
    """Those that SeaweedFS knows, too."""
    cases.test_T032_every_algorithm_is_checked_in_a_trailer(world, path, algorithm)
