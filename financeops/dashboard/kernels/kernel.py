"""The kernel of one viewer, in its own forked process."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from ipykernel import ipkernel, kernelapp
from ipykernel.iostream import IOPubThread
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config

from financeops.dashboard.kernel import Visit

_PR_SET_PDEATHSIG = 1


class ViewerKernel(IPythonKernel):
    """Waits for a visit: a ``view_request`` on its control channel brings it, before or after its cells have run."""

    control_msg_types = [*IPythonKernel.control_msg_types, "view_request"]  # noqa: RUF012 - as they do

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.visit = Visit()

    def view_request(self, stream: Any, ident: Any, parent: Mapping[str, Any]) -> None:
        """Pass the view on; answer when the first figures are there, and do not keep other messages waiting."""
        session = self.session
        assert session is not None

        def answer(given: Future[dict[str, Any]]) -> None:
            # From the dashboard's thread to that of this channel.
            stream.io_loop.add_callback(
                session.send, stream, "view_reply", given.result(), parent, ident
            )

        self.visit.answer.add_done_callback(answer)
        self.visit.bring(parent["content"])


class ViewerKernelApp(IPKernelApp):
    """An IPython kernel without a command line: parsing options would cost each fork 4 MiB."""

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Skip the search for options."""

    def init_code(self) -> None:
        """Run no code before the notebook's; and do not remember which modules there were, see `_NoModules`."""
        assert self.shell is not None, "there is one before its first code"
        self.shell._sys_modules_keys = set()  # noqa: SLF001

    def start(self) -> None:
        """Run until shut down; let the thread that was told to shut down finish before its output is closed."""
        super().start()  # type: ignore[no-untyped-call]
        self.control_thread.stop()
        self.control_thread.join()


class _IOPubThread(IOPubThread):
    """Output of cells, without the port that collects the output of programs they start: there are none."""

    def __init__(self, socket: Any, pipe: bool = False, session: Any = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().__init__(socket, pipe=False, session=session)  # type: ignore[no-untyped-call]


class _NoModules:
    """The module `sys` with no modules in it, for a kernel that lists their files for its debugger.

    To look at each module is to write into it, for objects count their references: 4 MiB that the fork would
    no longer share.
    """

    modules: Mapping[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


def become_kernel(order: Mapping[str, Any], parent: int) -> None:
    """Run an IPython kernel in this process until it is shut down.

    Parameters
    ----------
    order : mapping
        ``connection_file``, ``cwd`` and ``env`` of the kernel.
    parent : int
        Process that this one must not outlive.
    """
    os.setsid()
    # If the parent is killed, the operating system kills this process too.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.enable()
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    time.tzset()

    kernelapp.IOPubThread = _IOPubThread  # type: ignore[attr-defined] # it requests the port explicitly
    ipkernel.sys = _NoModules()  # type: ignore[attr-defined, assignment]
    # Viewers type nothing: no history file, no completion.
    config = Config()
    config.HistoryManager.enabled = False
    config.Completer.use_jedi = False
    # ipywidgets was imported before there was a kernel. Unless it is told of this one, the page cannot request the
    # state of all widgets at once: it requests each of some 60, which takes half a second.
    config.InteractiveShellApp.extensions = ["ipywidgets"]
    ViewerKernelApp.launch_instance(
        argv=[],
        config=config,
        kernel_class=ViewerKernel,
        connection_file=order["connection_file"],
        capture_fd_output=False,  # output of C code goes to the log without a thread
        parent_handle=1,  # no parent to watch: see above
    )
