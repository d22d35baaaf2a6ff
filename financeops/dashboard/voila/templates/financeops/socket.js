// The server lets in only connections that name the newest protocol. JupyterLab's code names none any more once its
// first attempt has failed, be it for a moment without network: it would then never be let in again.
(() => {
  const PROTOCOL = "v1.kernel.websocket.jupyter.org";
  const named = (protocols) => protocols !== undefined && protocols.length > 0;
  window.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
      const kernels = /\/api\/kernels\/[^/]+\/channels(?:\?|$)/.test(url);
      super(url, kernels && !named(protocols) ? [PROTOCOL] : protocols);
    }
  };
})();
