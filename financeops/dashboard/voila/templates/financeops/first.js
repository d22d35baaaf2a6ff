// What the page came with, figures or a skeleton, stays until all widgets are drawn, unseen, in the same place. Then the
// one takes the place of the other in a single frame. What was pressed meanwhile is pressed again.
(() => {
  const SEEN_MS = 200; // a skeleton that is shown is shown for so long
  const DRAWN_MS = 20000; // the longest time to wait for a chart: meanwhile one can read
  const LOADED_MS = 5000; // the longest time to wait for figures: one grey picture is not worth another
  const NEW_MS = 1500; // as long as rows of the feed look new
  const root = document.documentElement;
  let pressed = null;
  let settledAt = null;

  const within = (place, { action, value }) =>
    [...document.querySelectorAll(`${place} [data-action="${action}"]`)].find(
      (control) => control.matches("select") || control.dataset.value === value,
    );

  const press = ({ target, type }) => {
    const control = target.closest?.("#first [data-action]");
    if (!control || control.matches("select") !== (type === "change")) return;
    pressed = { ...control.dataset, chosen: control.value };
  };

  const pressAgain = () => {
    const control = pressed && within("#main", pressed);
    if (!control) return;
    control.focus({ preventScroll: true });
    if (!control.matches("select")) return control.click();
    control.value = pressed.chosen;
    control.dispatchEvent(new Event("change", { bubbles: true }));
  };

  // Whether the chart is drawn for the room that it has: bqplot looks for that a moment after its first drawing.
  const fits = (chart) => {
    const room = chart.getBoundingClientRect();
    const plot = chart.querySelector(".plotarea_events")?.getBoundingClientRect();
    const bars = [...chart.querySelectorAll("rect.bar")].map((bar) => bar.getBoundingClientRect());
    if (!plot || bars.length === 0) return false;
    const ground = plot.bottom - 0.025 * plot.height;
    const near = (is, wanted) => Math.abs(is - wanted) < 2;
    return near(room.right - plot.right, 54) && near(room.bottom - plot.bottom, 28) && bars.every((bar) => near(bar.bottom, ground));
  };

  const drawn = () => {
    const body = document.querySelector("#main .fo-body");
    if (!body) return false;
    if (body.classList.contains("fo-off")) {
      const loading = document.querySelector("#main [data-notice=loading]") !== null;
      return !loading || performance.now() > settledAt + LOADED_MS;
    }
    const chart = body.querySelector(".fo-trend .fo-chart");
    return chart !== null && fits(chart) && body.querySelector(".fo-ring .slice") !== null;
  };

  const change = () => {
    document.getElementById("first").remove();
    root.classList.replace("fo-coming", "fo-came");
    setTimeout(() => root.classList.remove("fo-came"), NEW_MS);
    pressAgain();
  };

  const soon = (next) => (document.hidden ? setTimeout(next) : requestAnimationFrame(next));
  const look = () => {
    if (!drawn() && performance.now() < settledAt + DRAWN_MS) return soon(look);
    const shown = performance.getEntriesByName("first-paint")[0]?.startTime ?? 0;
    const rest = document.querySelector("#first .fo-loading") ? shown + SEEN_MS - performance.now() : 0;
    if (rest > 0) setTimeout(() => soon(change), rest);
    else change();
  };

  root.classList.add("fo-coming");
  document.addEventListener("click", press);
  document.addEventListener("change", press);
  document.addEventListener("fo-settled", () => {
    if (settledAt !== null) return;
    settledAt = performance.now();
    // After what the widgets brought along, of which it says otherwise.
    document.head.append(document.getElementById("fo-theme"));
    soon(look);
  });
})();
