"""How much code an account keeps.

Source: AWS Lambda Developer Guide, "Lambda quotas": function and layer storage, each version counted.
"""

from onread.errors import CodeStorageExceededException
from onread.metadata.facade import Records

MOST_STORED_BYTES = 75 * 1024**3


def stored_bytes(records: Records, account_id: str) -> int:
    """The zips of the account's functions, their versions, and layers."""
    published = records.published
    functions = [*records.list_functions(account_id), *published.all_versions()]
    of_functions = sum(each.code_size_bytes for each in functions if each.account_id == account_id)
    return of_functions + sum(
        each.code_size_bytes for versions in published.layers(account_id) for each in versions
    )


def require_room(records: Records, account_id: str, more_bytes: int) -> None:
    """Refuse a zip that would be too much.

    Raises:
        CodeStorageExceededException: the account keeps 75 GiB already, or would.
    """
    if stored_bytes(records, account_id) + more_bytes > MOST_STORED_BYTES:
        raise CodeStorageExceededException(
            f"Code storage limit exceeded: an account keeps at most {MOST_STORED_BYTES} bytes of code. "
            "Delete versions, functions or layers."
        )
