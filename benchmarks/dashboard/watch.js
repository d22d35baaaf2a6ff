// Notes when the first figures came, when each total volume came into the page and was drawn, and how it was painted.
(() => {
  const seen = (window.__seen = { first: null, live: null, volumes: [] });
  const entries = { paint: [], "largest-contentful-paint": [], "layout-shift": [], longtask: [] };
  for (const [type, kept] of Object.entries(entries)) {
    new PerformanceObserver((list) => kept.push(...list.getEntries())).observe({ type, buffered: true });
  }
  // As web.dev defines them, but until now and not until the page has been quiet for five seconds.
  seen.painted = () => {
    const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);
    const fcp = entries.paint.find((entry) => entry.name === "first-contentful-paint").startTime;
    const lcp = entries["largest-contentful-paint"].at(-1).startTime;
    const shift = sum(entries["layout-shift"].filter((entry) => !entry.hadRecentInput).map((entry) => entry.value));
    const blocked = sum(entries.longtask.filter((entry) => entry.startTime > fcp).map((entry) => entry.duration - 50));
    return { "fcp s": fcp / 1000, "lcp s": lcp / 1000, shift, "blocked s": blocked / 1000 };
  };
  const drawn = new MessageChannel();
  const waiting = [];
  drawn.port1.onmessage = () => {
    const now = performance.now();
    while (waiting.length) waiting.shift()[2] = now;
  };
  let last = null;
  // The widgets are live before they are shown in place of what the page came with.
  const isLive = () => document.querySelector("#main [data-state=live]") && !document.getElementById("first");
  new MutationObserver(() => {
    if (seen.live === null && isLive()) {
      const note = [null, performance.now(), null];
      seen.live = note;
      waiting.push(note);
      requestAnimationFrame(() => drawn.port2.postMessage(null));
    }
    const text = document.querySelector("[data-figure=total_volume]")?.dataset.exact;
    if (text === undefined || text === last) return;
    last = text;
    const note = [Number(text), performance.now(), null];
    seen.first ??= note[1];
    seen.volumes.push(note);
    waiting.push(note);
    // The frame that draws it is done when a message that was sent in it arrives.
    requestAnimationFrame(() => drawn.port2.postMessage(null));
  }).observe(document, { subtree: true, childList: true, attributeFilter: ["data-exact", "data-state"] });
})();
