// The page and its kernel know of each other: a page that is left ends its kernel, one that was forgotten lets it go,
// and one that comes back and finds its kernel gone loads itself again, as does one that has nothing to show. Its
// address says what it showed.
(() => {
  const LOOK_MS = 8000; // the server keeps a kernel 20 s for a page that says nothing any more
  const PATIENCE_MS = 6000;
  const FORGOTTEN_MS = 30 * 60 * 1000;
  const EMPTY_MS = 5000; // until a page that came without what its cells show asks for another one

  const { baseUrl, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  let released = false;
  let hiddenSince = null;

  // Voilà says good-bye as soon as the page might be left, and lets the kernel go even if it then stays, as after a
  // download. Its message lacks the token that the server compares with a cookie, too, and was refused.
  addEventListener("beforeunload", (event) => event.stopImmediatePropagation());

  // What the server compares with a cookie, and no page of another site can know.
  const token = () => {
    const known = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/);
    if (known) return decodeURIComponent(known[1]);
    const made = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    document.cookie = `_xsrf=${made}; path=${baseUrl}; SameSite=Strict`;
    return made;
  };

  const tell = (kernel) => {
    const { dataset } = document.documentElement;
    if (dataset.foKernel === kernel) return;
    dataset.foKernel = kernel;
    dispatchEvent(new Event("fo-kernel"));
  };

  const leave = () => {
    if (released) return;
    released = true;
    tell("released");
    const form = new FormData();
    form.append("_xsrf", token());
    navigator.sendBeacon(`${baseUrl}voila/api/shutdown/${kernelId}`, form);
  };

  const look = async () => {
    if (document.hidden) {
      hiddenSince ??= Date.now();
      if (Date.now() - hiddenSince > FORGOTTEN_MS) leave();
    } else {
      hiddenSince = null;
    }
    if (released && document.hidden) return;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS); // a connection may hang for ever
      const answer = await fetch(`${baseUrl}api/kernels/${kernelId}`, { cache: "no-store", signal });
      if (answer.status === 404 && !document.hidden) location.reload();
      tell(answer.ok ? "there" : "away");
    } catch {
      tell("away"); // it is asked again
    }
  };

  const OUTPUT = 'script[type="application/vnd.voila.cell-output+json"]';
  document.addEventListener("DOMContentLoaded", () => {
    if (!document.querySelector(OUTPUT)) setTimeout(() => location.reload(), EMPTY_MS);
  });

  look();
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pageshow", (event) => event.persisted && look());
  for (const change of ["online", "offline"]) window.addEventListener(change, look);
  window.addEventListener("pagehide", (event) => {
    if (!event.persisted) leave(); // else the browser keeps the page: it may come back
  });
})();
