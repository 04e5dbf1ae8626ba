"""The kinds of thing a request can name, as one tagged union."""

from typing import ClassVar

from onread.wire.frozen import frozen


class _Kind:
    """What every address of one kind has in common.

    Attributes:
        service: the service model that describes what it offers.
        is_data: whether it stands for a bucket in the model's paths.
    """

    __slots__ = ()

    is_data: ClassVar[bool] = False


class _OfS3(_Kind):
    __slots__ = ()

    service: ClassVar[str] = "s3"


class _Data(_OfS3):
    __slots__ = ()

    is_data = True


@frozen()
class ServiceAddress(_Kind):
    """A service's plain endpoint: ``s3`` (ListBuckets), ``lambda``, ``iam``, ``sts`` or ``onread``."""

    service: str


@frozen()
class ControlAddress(_Kind):
    """s3control. ``account_id`` comes from the host label or from ``x-amz-account-id``; None: neither."""

    account_id: str | None

    service: ClassVar[str] = "s3control"


@frozen()
class BucketAddress(_Data):
    """A bucket, by its name."""

    name: str


@frozen()
class AliasAddress(_Data):
    """An alias that records must resolve: ``...--ol-s3``, ``...-s3alias`` or ``NAME.olap``."""

    alias: str


@frozen()
class AccessPointAddress(_Data):
    """A standard access point, by name and account."""

    name: str
    account_id: str


@frozen()
class ObjectLambdaAccessPointAddress(_Data):
    """An Object Lambda access point, by name and account."""

    name: str
    account_id: str


@frozen()
class WriteAddress(_OfS3):
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
