"""STS: who asks."""

from onread.control.call import ControlCall, Operations
from onread.wire.output import Output


class CallerOperations:
    """STS's GetCallerIdentity."""

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {"GetCallerIdentity": self.get_caller_identity}

    async def get_caller_identity(self, call: ControlCall) -> Output:
        """GetCallerIdentity: "No permissions are required to perform this operation"."""
        principal = call.principal
        return Output(
            members={"UserId": principal.principal_id, "Account": principal.account_id, "Arn": principal.arn}
        )
