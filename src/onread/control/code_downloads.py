"""Where the zip of a function or of a layer can be downloaded, and the download itself.

The Location is a presigned URL of an operation of our own, signed with the caller's key and good for ten
minutes: no credentials but the URL are needed, it comes in by the one road, and the caller must still be
allowed to see the function when it is used. A caller with temporary credentials gets none: the gateway
does not have the secret of a session at hand.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import quote, urlsplit

from onread.control.call import ControlCall, Operations
from onread.control.function_names import find_version
from onread.errors import ResourceNotFoundException
from onread.metadata.facade import Records
from onread.metadata.function_records import LayerVersion
from onread.metadata.records import Function
from onread.sigv4.sign import presign
from onread.wire.output import Output

LIFE_SECONDS = 600


class CodeDownloads:
    """Makes the URLs, and serves them.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by their name in our model."""
        return {"GetFunctionCode": self.get_function_code, "GetLayerVersionCode": self.get_layer_version_code}

    async def get_function_code(self, call: ControlCall) -> Output:
        """GetFunctionCode: the zip of a version."""
        function = find_version(self._records, call)
        return await self._zip(function.code_sha256, f"{function.name}.zip")

    async def get_layer_version_code(self, call: ControlCall) -> Output:
        """GetLayerVersionCode: the zip of a layer version."""
        name, number = call.params["LayerName"], call.params["VersionNumber"]
        version = self._records.published.layer_version(call.account_id, name, number)
        if version is None:
            raise ResourceNotFoundException("The resource you requested does not exist.")
        return await self._zip(version.code_sha256, f"{version.name}.zip")

    def function_url(self, call: ControlCall, function: Function) -> str | None:
        """Where the zip of a version is for ten minutes; None for a caller of temporary credentials."""
        path = f"/onread/functions/{quote(function.name)}/code"
        return self._presign(call, path, [("Qualifier", function.version)])

    def layer_url(self, call: ControlCall, version: LayerVersion) -> str | None:
        """Where the zip of a layer version is, as `function_url`."""
        return self._presign(call, f"/onread/layers/{quote(version.name)}/versions/{version.number}/code", [])

    def _presign(self, call: ControlCall, path: str, query: Sequence[tuple[str, str]]) -> str | None:
        key = self._records.access_key(call.principal.access_key_id or "")
        if key is None or not call.endpoint:
            return None
        place = urlsplit(call.endpoint)
        return presign(
            method="GET",
            scheme=place.scheme,
            host=place.netloc,
            path=path,
            query=query,
            headers=[],
            access_key_id=key.access_key_id,
            secret=key.secret.reveal(),
            session_token=None,
            region=call.region,
            service="onread",
            now=self._clock(),
            expires_seconds=LIFE_SECONDS,
        ).url

    async def _zip(self, sha256: str, name: str) -> Output:
        content = await self._records.load_code(sha256)
        headers = [
            ("Content-Type", "application/zip"),
            ("Content-Disposition", f'attachment; filename="{name}"'),
        ]
        return Output(members={}, body=content, extra_headers=headers)
