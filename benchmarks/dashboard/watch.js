// Notes when the first figures came, and when each total volume came into the page and was drawn.
(() => {
  const seen = (window.__seen = { first: null, volumes: [] });
  const drawn = new MessageChannel();
  const waiting = [];
  drawn.port1.onmessage = () => {
    const now = performance.now();
    while (waiting.length) waiting.shift()[2] = now;
  };
  let last = null;
  new MutationObserver(() => {
    const text = document.querySelector("[data-figure=total_volume]")?.dataset.exact;
    if (text === undefined || text === last) return;
    last = text;
    const note = [Number(text), performance.now(), null];
    seen.first ??= note[1];
    seen.volumes.push(note);
    waiting.push(note);
    // The frame that draws it is done when a message that was sent in it arrives.
    requestAnimationFrame(() => drawn.port2.postMessage(null));
  }).observe(document, { subtree: true, childList: true, attributeFilter: ["data-exact"] });
})();
