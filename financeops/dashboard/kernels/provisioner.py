"""Starting kernels as forks, in the way that Jupyter lets one say how kernels are started."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from financeops.dashboard.kernels.forks import shared_parent

CAN_FORK = sys.platform == "linux"
"""Elsewhere (macOS) a process that has loaded numpy is not safe to fork, or there is no fork."""

_WITHIN = 60.0
"""Seconds for the first fork: the parent must import everything before."""


class ForkProvisioner(LocalProvisioner):
    """A kernel on this machine, forked from a warm parent; an ordinary one if forking is not safe.

    Registered as ``financeops-fork``; the kernel spec ``financeops-viewer`` asks for it. What the
    command line of the spec says is for the ordinary ones.
    """

    process: Any  # a Fork, or the Popen of an ordinary kernel

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel.

        Raises
        ------
        Unavailable
            When the warm parent has ended; the next kernel gets a new one.
        """
        if not CAN_FORK:
            return await super().launch_kernel(cmd, **kwargs)
        assert self.parent is not None
        self.cwd = kwargs.get("cwd") or os.getcwd()  # noqa: PTH109 - jupyter_client's is a str
        future = shared_parent().fork(
            connection_file=self.parent.connection_file,
            cwd=str(self.cwd),
            env=kwargs.get("env") or os.environ,
        )
        async with asyncio.timeout(_WITHIN):
            self.process = await asyncio.wrap_future(future)
        self.pid = self.process.pid
        # Only the warm parent may signal the group: it knows whether the process id is still valid.
        self.pgid = None
        return self.connection_info
