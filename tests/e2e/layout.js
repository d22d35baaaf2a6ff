// What is wrong with the dashboard in the room that it has: what is cut off or left out, overlaps, or is broken within a word.

(() => {
  const CUTS = ["hidden", "clip", "auto", "scroll"];
  const BOXES = ".fo-card, .fo-box, .fo-line, .fo-header, .fo-filters";

  // Not what only screen readers read, nor what waits for the keyboard.
  const seen = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    !element.closest(".fo-hidden, .fo-tip, option");

  const name = (element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}`;

  const textsOf = (root, charts) => {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const { parentElement } = node;
      if (node.data.trim() && seen(parentElement) && (charts || !parentElement.closest("svg"))) found.push(node);
    }
    return found;
  };

  const rectsOf = (node, from = 0, to = node.data.length) => {
    const range = document.createRange();
    range.setStart(node, from);
    range.setEnd(node, to);
    return [...range.getClientRects()].filter(({ width }) => width > 0);
  };

  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;

  // Charts follow the room a moment later than everything else: they are looked at where `charts` says so.
  window.faults = (root, charts = false) => {
    const found = [];
    const edges = root.getBoundingClientRect();
    for (const element of root.querySelectorAll("*")) {
      if (element.closest(charts ? "svg" : ".fo-chart") || !seen(element)) continue;
      const { left, right } = element.getBoundingClientRect();
      if (right > edges.right + 1 || left < edges.left - 1) found.push(`${name(element)} is wider than the room`);
      const { overflowX } = getComputedStyle(element);
      if (CUTS.includes(overflowX) && element.scrollWidth > element.clientWidth + 1) {
        found.push(`${name(element)} cuts off ${element.scrollWidth - element.clientWidth}px`);
      }
    }
    for (const cell of root.querySelectorAll(".fo-named :is(th, td), td.fo-reason:not(:empty)")) {
      if (!seen(cell)) found.push(`"${cell.textContent}" is left out`);
    }
    const texts = textsOf(root, charts).map((node) => ({ node, rects: rectsOf(node) }));
    for (const { node, rects } of texts) {
      const box = node.parentElement.closest(BOXES)?.getBoundingClientRect() ?? edges;
      for (const { left, right } of rects) {
        const out = Math.max(right - Math.min(box.right, edges.right), Math.max(box.left, edges.left) - left);
        if (out > 0.5) found.push(`"${node.data}" goes ${out.toFixed(1)}px out of its box`);
      }
      for (const { 0: word, index } of node.data.matchAll(/[^\s\u2010-\u2015\/,;:.-]+/g)) {
        const lines = new Set(rectsOf(node, index, index + word.length).map(({ bottom }) => Math.round(bottom / 4)));
        if (lines.size > 1) found.push(`"${word}" is broken`);
      }
    }
    const placed = texts.flatMap(({ node, rects }) => rects.map((rect) => ({ node, rect })));
    placed.sort((a, b) => a.rect.top - b.rect.top);
    placed.forEach((one, n) => {
      for (let next = n + 1; next < placed.length && placed[next].rect.top < one.rect.bottom; next += 1) {
        const other = placed[next];
        if (other.node !== one.node && overlap(one.rect, other.rect)) {
          found.push(`"${one.node.data}" and "${other.node.data}" overlap`);
        }
      }
    });
    return found;
  };
})();
