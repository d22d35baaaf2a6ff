// What a person sees of the charts of a page: what is drawn, what could not be, and what moves.

(() => {
  const SHAPES = "path.line, rect.bar, rect.heatmapcell, path.slice, .dot, path.element";
  const ODD = /NaN|undefined|null|Infinity/;

  window.drawn = (figure) =>
    [...figure.querySelectorAll(SHAPES)].filter((shape) => {
      const { width, height } = shape.getBoundingClientRect();
      return width > 0 || height > 0;
    }).length;

  window.odd = (figure) =>
    [...figure.querySelectorAll("*")].flatMap((element) =>
      [...element.attributes]
        .filter(({ name, value }) => name !== "style" && ODD.test(value))
        .map(({ name, value }) => `${element.tagName} ${name}="${value.slice(0, 60)}"`),
    );

  window.moves = (figure) =>
    Math.max(0, ...[...figure.querySelectorAll("path.line")].map((line) => line.moves ?? 0));

  const count = (changes) => {
    for (const { target } of changes) target.moves = (target.moves ?? 0) + 1;
  };
  new MutationObserver(count).observe(document, { subtree: true, attributeFilter: ["d"] });
})();
