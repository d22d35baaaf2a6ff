"""Voilà, adapted to serve one dashboard to many viewers."""

from __future__ import annotations

import asyncio
import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import traitlets
from jupyter_core.paths import jupyter_config_path
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

from financeops.dashboard.fonts import FONT, IN_PAGE, THEME
from financeops.dashboard.panels.panel import SCRIPT
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
from financeops.dashboard.serve.settings import check, limit_of
from financeops.dashboard.serve.viewers import Viewers
from financeops.dashboard.serve.visits import Visits
from financeops.jupyter import socket_folder

KERNEL = "financeops-viewer"

_DASHBOARD = Path(__file__).parents[1]
_NEEDED = re.compile(
    "FINANCEOPS_URL|FINANCEOPS_UP|VOILA_BASE_URL|HOME|USER|LOGNAME|PATH|TMPDIR|TZ|LANG|LC_.*|SSL_CERT_.*"
    # Kernels that are not forks have to find their modules.
    "|PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|IPYTHONDIR"
)
"""Environment variables that kernels of viewers get: no passwords, no addresses of other viewers."""
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
    """Starts the kernel of a viewer, whichever kernel the notebook names for JupyterLab."""

    async def start_kernel(self, **options: Any) -> str:  # type: ignore[override] # theirs too
        """Start a kernel and return its id."""
        needed = {name: value for name, value in options["env"].items() if _NEEDED.fullmatch(name)}
        chosen = {**options, "kernel_name": KERNEL, "env": {**needed, IN_PAGE: "1"}}
        kernel_id: str = await super().start_kernel(**chosen)
        return kernel_id


class DashboardServer(Voila):
    """Voilà with a limited number of viewers, whose kernels end when they leave."""

    name = "financeops-dashboard"
    first_figures_within = traitlets.Float(
        0.3,
        help="Seconds for which a page waits for its first figures; then it comes without them.",
    ).tag(config=True)
    assets: Assets
    viewers: Viewers
    visits: Visits

    @traitlets.default("config_file_paths")
    def _config_file_paths(self) -> list[str]:
        """Return where configuration is looked for: not in the working directory, as Voilà does."""
        return list(jupyter_config_path())

    def init_settings(self) -> dict[str, Any]:
        """Add to Voilà's settings: allowed hosts, and how soon a lost browser is noticed."""
        self.assets = Assets(
            [str((THEME / FONT).parent), str(SCRIPT.parent), *self.static_paths],
            self.labextensions_path,
        )
        self.assets.pack_ahead()
        self.voila_configuration.page_config_hook = self.assets.configure
        settings: dict[str, Any] = super().init_settings()
        self.visits = Visits(patience=self.first_figures_within)
        self.viewers = Viewers(self.kernel_manager, limit=limit_of(os.environ))
        return {
            **settings,
            "assets": self.assets,
            "default_handler_class": guarded(ErrorHandler),
            "default_handler_args": {"status_code": 404},
            "headers": {"Content-Security-Policy": FRAMES},
            "template": self.voila_configuration.template,
            "transforms": [Transform],
            "visits": self.visits,
            # The quickest packing: the dashboard begins with a message of 230 kB, of which 80 kB remain.
            "websocket_compression_options": {"compression_level": 1},
            # If only this machine may see the dashboard, check `Host`, so that pages cannot point
            # their own name here (DNS rebinding).
            "allow_remote_access": not _is_loopback(self.ip),
            # Milliseconds: a browser that has lost its network does not say so, and one that is busy opening the page
            # answers late. Jupyter checks the timeout with each ping, even the first, before any answer can arrive:
            # it must be longer than the interval, or each connection would end with its first ping.
            "ws_ping_interval": 10_000,
            "ws_ping_timeout": 25_000,
        }

    def init_handlers(self) -> list[Any]:
        """Return Voilà's handlers, some of them replaced."""
        health = (url_path_join(self.server_url, "/voila/health"), HealthHandler)
        assets = (url_path_join(self.server_url, ADDRESS, r"/(\w+)/(.+)"), AssetHandler)
        self.app.settings["viewers"] = self.viewers
        return [
            (pattern, guarded(_OWN_HANDLERS.get(handler, handler)), *options)
            for pattern, handler, *options in (health, assets, *super().init_handlers())
            # Notebooks ask it for the address of their page; this one does not, and anybody else could.
            if handler is not RequestInfoSocketHandler
        ]

    def listen(self) -> None:
        """Serve until stopped."""
        watching = asyncio.get_event_loop().create_task(self.viewers.watch())
        super().listen()
        watching.cancel()
        self.visits.close()
        self.assets.close()


def main() -> None:
    """Run the server with the options of the command line."""
    check()  # a wrong setting is reported at once
    path = [str(_DASHBOARD), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    # The folder with the template and the kernel spec.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(path)
    config = defaults()
    with socket_folder() as folder:
        config.Voila.connection_dir_root = str(folder)
        DashboardServer.launch_instance(config=config)


def defaults() -> Config:
    """Return defaults that the command line may override."""
    config = Config()
    config.Voila.open_browser = False
    # A port in use is an error: nobody would look for the page on another one.
    config.Voila.port_retries = 0
    config.VoilaConfiguration.template = "financeops"
    config.VoilaConfiguration.multi_kernel_manager_class = ViewerKernels
    config.VoilaConfiguration.extension_allowlist = list(EXTENSIONS)
    # Voilà must not act on ?theme= and ?template=: the first belongs to the dashboard.
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.allow_template_override = "NO"
    # The output of a cell arrives after its answer. Voilà serves all pages in the thread that receives it: with five
    # at the same time that took longer than the default of 4 seconds, and the page had no dashboard.
    config.VoilaExecutor.iopub_timeout = 60
    # A cell that fails shows neither its traceback, which is in the log, nor how to display it.
    config.VoilaExecutor.cell_error_instruction = "The log of the dashboard says why."
    # What a notebook checks after the dashboard is for who runs it: a page would wait for it.
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_cell_tags = {"check"}
    # Number of kernels that wait with a computed page.
    config.VoilaConfiguration.preheat_kernel = True
    config.VoilaConfiguration.default_pool_size = 2
    # Not through ports, to which every user of this computer could connect and read what viewers see.
    config.KernelManager.transport = "ipc"
    # If a kernel has died its page is lost, and is reloaded.
    config.KernelManager.autorestart = False
    return config


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
