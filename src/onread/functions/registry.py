"""Which invoker runs a function: the one place that tells kinds of functions apart."""

from dataclasses import dataclass

from onread.functions.invoker import Invocation, Invoker, Running


@dataclass(frozen=True, slots=True)
class Registry:
    """An `Invoker` over all others.

    Args:
        processes: runs packages as processes of this machine.
        webhooks: posts events to HTTP endpoints.
    """

    processes: Invoker
    webhooks: Invoker

    async def start(self, invocation: Invocation) -> Running:
        """See `Invoker.start`."""
        invoker = self.processes if invocation.function.webhook is None else self.webhooks
        return await invoker.start(invocation)
