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

  // What a person cannot read of a chart: texts that are cut off, and numbers of which nobody says what they are.
  window.unclear = (figure) => {
    const { left, right } = figure.getBoundingClientRect();
    const texts = [...figure.querySelectorAll("text")];
    const cut = texts.filter((text) => {
      const place = text.getBoundingClientRect();
      return place.width > 0 && (place.right > right + 1 || place.left < left - 1);
    });
    const bare = [...figure.querySelectorAll(".axis")].filter((axis) => {
      const ticks = [...axis.querySelectorAll(".tick text")].filter((tick) => tick.textContent);
      const named = axis.querySelector(".axislabel")?.textContent || figure.closest(".fo-dashboard");
      return !named && ticks.length > 0 && ticks.every((tick) => /^[-\u2212]?[\d.,]+[kMG]?$/.test(tick.textContent));
    });
    return [...cut.map((text) => `"${text.textContent}" is cut off`), ...bare.map((axis) => `${axis.textContent} of what?`)];
  };

  window.moves = (figure) =>
    Math.max(0, ...[...figure.querySelectorAll("path.line")].map((line) => line.moves ?? 0));

  const count = (changes) => {
    for (const { target } of changes) target.moves = (target.moves ?? 0) + 1;
  };
  new MutationObserver(count).observe(document, { subtree: true, attributeFilter: ["d"] });
})();
