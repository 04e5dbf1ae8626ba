"""The kinds of thing a request can name, as one tagged union."""

from onread.wire.frozen import frozen


@frozen()
class ServiceAddress:
    """A service's plain endpoint: ``s3`` (ListBuckets), ``lambda``, ``iam``, ``sts`` or ``onread``."""

    service: str


@frozen()
class ControlAddress:
    """s3control. ``account_id`` comes from the host label or from ``x-amz-account-id``; None: neither."""

    account_id: str | None


@frozen()
class BucketAddress:
    """A bucket, by its name."""

    name: str


@frozen()
class AliasAddress:
    """An alias that records must resolve: ``...--ol-s3``, ``...-s3alias`` or ``NAME.olap``."""

    alias: str


@frozen()
class AccessPointAddress:
    """A standard access point, by name and account."""

    name: str
    account_id: str


@frozen()
class ObjectLambdaAccessPointAddress:
    """An Object Lambda access point, by name and account."""

    name: str
    account_id: str


@frozen()
class WriteAddress:
    """WriteGetObjectResponse. ``route`` is the host's route label, None when the prefix was off."""

    route: str | None


DataAddress = BucketAddress | AliasAddress | AccessPointAddress | ObjectLambdaAccessPointAddress
Address = ServiceAddress | ControlAddress | WriteAddress | DataAddress


@frozen()
class Located:
    """An address and what is left of the path for routing: ``/key`` or ``/`` for a data address.

    ``path`` keeps its percent-encoding. For every other address it is the whole path.
    """

    address: Address
    path: str
