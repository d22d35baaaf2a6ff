"""What becomes of messages to a page that leaves."""

import asyncio
import gc
import json

import aiohttp
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from financeops.dashboard.serve.channels import PROTOCOL, ChannelsHandler

HEADER = json.dumps({"msg_type": "comm_msg"}).encode()
LONG = serialize_msg_to_ws_v1([HEADER, b"{}", b"{}", bytes(10**7)], "iopub")
"""More than sockets hold."""


class WithoutKernel(ChannelsHandler):
    """Opens the connection of a page that has no kernel."""

    prepare = WebSocketHandler.prepare
    get = WebSocketHandler.get
    select_subprotocol = WebSocketHandler.select_subprotocol

    def open(self):
        self.settings["opened"] = self

    def on_close(self):
        pass


async def test_a_page_that_leaves_while_a_message_is_on_its_way_leaves_no_traceback(caplog):
    application = Application([("/", WithoutKernel)])
    http = HTTPServer(application)
    listener, port = bind_unused_port()
    http.add_socket(listener)
    async with aiohttp.ClientSession() as session:
        page = await session.ws_connect(f"http://127.0.0.1:{port}/", protocols=(PROTOCOL,))
        sent = application.settings["opened"].write_message(LONG)
        assert not sent.done()
        page._response.connection.transport.abort()
        await asyncio.wait([sent])  # it does not ask how that ended: nobody does
    http.stop()
    await http.close_all_connections()
    del sent
    gc.collect()
    assert "never retrieved" not in caplog.text
