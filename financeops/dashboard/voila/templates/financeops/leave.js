// A closed tab ends its kernel. Voilà's own message on leaving is refused, for it lacks the token that the server
// compares with a cookie (and that no page of another site can know). Ours has both.
(() => {
  const { baseUrl, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").textContent);

  const token = () => {
    const known = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/);
    if (known) return decodeURIComponent(known[1]);
    const made = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    document.cookie = `_xsrf=${made}; path=${baseUrl}; SameSite=Strict`;
    return made;
  };

  window.addEventListener("pagehide", (event) => {
    if (event.persisted) return; // the browser keeps the page: it may come back
    const form = new FormData();
    form.append("_xsrf", token());
    navigator.sendBeacon(`${baseUrl}voila/api/shutdown/${kernelId}`, form);
  });
})();
