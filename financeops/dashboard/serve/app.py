"""Voilà, made to serve one dashboard to many."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from jupyter_server.auth.logout import LogoutHandler as JupyterLogoutHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.utils import url_path_join
from tornado.web import ErrorHandler
from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import TemplateStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.voila_identity_provider import VoilaLoginHandler

from financeops.client.address import server_url
from financeops.core.errors import Misconfigured
from financeops.dashboard.fonts import FONT, IN_PAGE, THEME
from financeops.dashboard.serve.assets import ADDRESS, EXTENSIONS, Assets
from financeops.dashboard.serve.channels import ChannelsHandler
from financeops.dashboard.serve.door import FRAMES, guarded
from financeops.dashboard.serve.handlers import (
    AssetHandler,
    HealthHandler,
    LeaveHandler,
    LoginHandler,
    LogoutHandler,
    PageHandler,
    PresenceHandler,
    TemplateHandler,
)
from financeops.dashboard.serve.packing import Transform
from financeops.dashboard.serve.viewers import Viewers
from financeops.jupyter import socket_folder

KERNEL = "financeops-viewer"
LIMIT_SETTING = "FINANCEOPS_MAX_VIEWERS"
LIMIT = 25
"""Viewers at once, unless set: so many fit in 1 GiB."""

_DASHBOARD = Path(__file__).parents[1]
_NEEDED = re.compile(
    "FINANCEOPS_URL|FINANCEOPS_UP|VOILA_BASE_URL|HOME|USER|LOGNAME|PATH|TMPDIR|TZ|LANG|LC_.*|SSL_CERT_.*"
    # Where kernels are no forks, they have to find their modules.
    "|PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|IPYTHONDIR"
)
"""What a viewer's kernel has of our environment: no password in it, no other viewer's address."""
_OWN_HANDLERS = {
    JupyterLogoutHandler: LogoutHandler,
    KernelHandler: PresenceHandler,
    TemplateStaticFileHandler: TemplateHandler,
    TornadoVoilaHandler: PageHandler,
    VoilaKernelWebsocketHandler: ChannelsHandler,
    VoilaLoginHandler: LoginHandler,
    VoilaShutdownKernelHandler: LeaveHandler,
}


class ViewerKernels(AsyncMappingKernelManager):
    """Starts a viewer's kernel whatever kernel the notebook names: that one is for JupyterLab."""

    async def start_kernel(self, **options: Any) -> str:  # type: ignore[override] # theirs too
        """Start a kernel and return its id."""
        needed = {name: value for name, value in options["env"].items() if _NEEDED.fullmatch(name)}
        chosen = {**options, "kernel_name": KERNEL, "env": {**needed, IN_PAGE: "1"}}
        kernel_id: str = await super().start_kernel(**chosen)
        return kernel_id


class DashboardServer(Voila):
    """Voilà with a limit on viewers, who are let go when they have left."""

    name = "financeops-dashboard"
    assets: Assets
    viewers: Viewers

    def init_settings(self) -> dict[str, Any]:
        """Voilà's settings, and ours: who may ask, and how soon a lost browser is noticed."""
        self.assets = Assets(
            [str((THEME / FONT).parent), *self.static_paths], self.labextensions_path
        )
        self.assets.pack_ahead()
        self.voila_configuration.page_config_hook = self.assets.configure
        settings: dict[str, Any] = super().init_settings()
        self.viewers = Viewers(self.kernel_manager, limit=limit_of(os.environ))
        return {
            **settings,
            "assets": self.assets,
            "default_handler_class": guarded(ErrorHandler),
            "default_handler_args": {"status_code": 404},
            "headers": {"Content-Security-Policy": FRAMES},
            "template": self.voila_configuration.template,
            "transforms": [Transform],
            # The quickest packing: the dashboard begins with a message of 230 kB, of which 80 kB remain.
            "websocket_compression_options": {"compression_level": 1},
            # A page of elsewhere whose name leads to this machine is refused by its Host, if only
            # this machine is meant to see the dashboard.
            "allow_remote_access": not _is_loopback(self.ip),
            # Milliseconds: a browser that has lost its network says no good-bye, and one that is busy opening the page
            # answers late. Jupyter looks at the time-out with each ping, also with the first one, before any answer
            # can have come: it has to be longer than the interval, or each connection ends with its first ping.
            "ws_ping_interval": 10_000,
            "ws_ping_timeout": 25_000,
        }

    def init_handlers(self) -> list[Any]:
        """Voilà's handlers, with ours in the place of some."""
        health = (url_path_join(self.server_url, "/voila/health"), HealthHandler)
        assets = (url_path_join(self.server_url, ADDRESS, r"/(\w+)/(.+)"), AssetHandler)
        self.app.settings["viewers"] = self.viewers
        return [
            (pattern, guarded(_OWN_HANDLERS.get(handler, handler)), *options)
            for pattern, handler, *options in (health, assets, *super().init_handlers())
            # With it a notebook asks what its page's address was, which ours does not; and so could anybody.
            if handler is not RequestInfoSocketHandler
        ]

    def listen(self) -> None:
        """Serve until stopped."""
        watching = asyncio.get_event_loop().create_task(self.viewers.watch())
        super().listen()
        watching.cancel()
        self.assets.close()


def limit_of(environment: Mapping[str, str]) -> int:
    """Number of viewers at once.

    Raises
    ------
    Misconfigured
        When it is not a whole number above zero.
    """
    text = environment.get(LIMIT_SETTING) or str(LIMIT)
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if limit < 1:
        raise Misconfigured(f"{LIMIT_SETTING} is {text!r}: it is a whole number of at least 1")
    return limit


def main() -> None:
    """Run it with the options of the command line."""
    # Whoever set one wrongly hears it now.
    limit_of(os.environ)
    server_url()
    path = [str(_DASHBOARD), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    # Here are the template and the kernel.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(path)
    config = defaults()
    with socket_folder() as folder:
        config.Voila.connection_dir_root = str(folder)
        DashboardServer.launch_instance(config=config)


def defaults() -> Config:
    """What we set and the command line may change."""
    config = Config()
    config.Voila.open_browser = False
    # A taken port is an error: nobody would look for the page on another.
    config.Voila.port_retries = 0
    config.VoilaConfiguration.template = "financeops"
    config.VoilaConfiguration.multi_kernel_manager_class = ViewerKernels
    config.VoilaConfiguration.extension_allowlist = list(EXTENSIONS)
    # ?theme= and ?template= are not Voilà's to act on: the first one is the dashboard's.
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.allow_template_override = "NO"
    # What a cell shows is heard of after its answer. Voilà serves all pages in the thread that hears it: with five at
    # once that took longer than the usual 4 seconds, and then a page has no dashboard.
    config.VoilaExecutor.iopub_timeout = 60
    # A cell that fails says so without its traceback, which is in the log. Nor does it say how to have it shown.
    config.VoilaExecutor.cell_error_instruction = "The log of the dashboard says why."
    # So many kernels wait with the page computed.
    config.VoilaConfiguration.preheat_kernel = True
    config.VoilaConfiguration.default_pool_size = 2
    # Not through ports, to which everybody on this computer can connect and hear what a viewer sees.
    config.KernelManager.transport = "ipc"
    # A dead kernel has lost its page: the page is loaded anew.
    config.KernelManager.autorestart = False
    return config


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
