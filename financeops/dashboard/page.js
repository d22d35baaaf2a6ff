// Tells the kernel that somebody is there and when a repaint has reached the screen; saves files.

const BEAT_MS = 5000;
const OPENING_MS = 5000; // the longest time that the page waits for the kernel with what it came with

// Under Voilà the page and its address are the dashboard's, in a notebook they are not.
const isPage = () => document.body.dataset.voila !== undefined;

// The icon of the tab: each state has a form of its own, for who cannot tell its colour.
const BARS = '<path d="M8 23v-8M13.3 23V10M18.6 23V13M24 23V8" fill="none" stroke-width="2.6" stroke-linecap="round"';
const SIGNS = {
  none: ["quiet", (on) => `${BARS} stroke="${on}"/>`],
  live: ["accent", (on, good) => `${BARS} stroke="${on}"/><circle cx="24" cy="24" r="7.5" fill="${good}" stroke="${on}" stroke-width="2"/>`],
  paused: ["quiet", (on) => `<path d="M9 8h5v16H9zM18 8h5v16h-5z" fill="${on}"/>`],
  trouble: ["bad", (on) => `<path d="M13.8 6h4.4l-.8 13h-2.8z" fill="${on}"/><circle cx="16" cy="24" r="2.6" fill="${on}"/>`],
};

function signOf(state, el) {
  const [ground, sign] = SIGNS[state] ?? SIGNS.none;
  // Asked for at once: for each answer the browser computes the styles of all that has changed.
  const tokens = { color: "on-accent", backgroundColor: ground, outlineColor: "good" };
  for (const [property, token] of Object.entries(tokens)) el.style[property] = `var(--fo-${token})`;
  const { color, backgroundColor, outlineColor } = getComputedStyle(el);
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
    `<rect width="32" height="32" rx="8" fill="${backgroundColor}"/>${sign(color, outlineColor)}</svg>`
  );
}

// As in html/edits.py: places are counted in tags.
function edited(html, edits) {
  const tags = html.split("<").slice(1);
  for (const [at, count, text] of edits) tags.splice(at, count, ...text.split("<").slice(1));
  return tags.map((tag) => `<${tag}`).join("");
}

// However many views it has, each repaint is made once.
function initialize({ model }) {
  let asked = false; // for what was missed
  let before = Promise.resolve();
  model.set("has", model.get("number")); // the last repaint before which none is missing

  const show = async (panels, complete, answered) => {
    for (const [id, change] of Object.entries(panels)) {
      const panel = await model.widget_manager.get_model(id);
      // Only the kernel changes what a panel shows: nothing goes back to it.
      if (typeof change === "string") panel.set_state({ html: change });
      else if (complete) panel.set_state({ html: edited(panel.get("html"), change) });
    }
    for (const [id, presses] of Object.entries(answered)) {
      (await model.widget_manager.get_model(id)).set_state({ answered: presses });
    }
  };
  const repaint = async ({ panels, number, whole, measured, answered }) => {
    const complete = whole || number === model.get("has") + 1;
    if (complete) model.set("has", number);
    else if (!asked) model.send({ missed: true });
    asked = !complete;
    const shown = before.then(() => show(panels, complete, answered));
    before = shown.catch(() => {});
    await shown;
    // Two frames: the first one draws, the second one begins when that is done.
    if (measured && document.visibilityState === "visible") {
      requestAnimationFrame(() => requestAnimationFrame(() => model.send({ shown: number })));
    }
  };
  model.on("msg:custom", (message) => {
    if (message.panels) repaint(message);
  });
}

function render({ model, el }) {
  const alone = document.createElement("p"); // says that the page has no connection
  alone.className = "fo-alone";
  alone.setAttribute("role", "status");
  if (isPage()) document.body.append(alone);

  const visible = () => document.visibilityState === "visible";
  const beat = () => model.send({ beat: visible(), has: model.get("has") });

  const dress = () => {
    const { theme, lang, dir } = model.get("look");
    // A tooltip hangs beside the dashboard, so the colours are for the whole document.
    document.documentElement.dataset.foTheme = theme;
    const root = isPage() ? document.documentElement : el.closest(".fo-dashboard");
    if (!root) return;
    root.lang = lang;
    root.dir = dir;
    label();
  };

  // A tab is read while its page is hidden, and nothing is painted then.
  const label = () => {
    const { state, title, away, offline, hint } = model.get("tab");
    if (!isPage() || !title) return;
    const { foKernel: kernel } = document.documentElement.dataset; // as the page's own script found it
    document.title = kernel === "away" ? away : kernel === "released" ? document.title : title;
    // The kernel cannot say this, and its badge is the last that was heard of it.
    document.documentElement.style.setProperty("--fo-offline", JSON.stringify(offline));
    const said = kernel === "away" ? hint : "";
    if (alone.textContent !== said) alone.textContent = said; // screen readers say it once
    const sign = kernel === "away" ? "trouble" : kernel === "released" ? "none" : state;
    const icon = document.querySelector("link[rel=icon]");
    const drawn = `data:image/svg+xml,${encodeURIComponent(signOf(sign, el))}`;
    if (icon && icon.href !== drawn) icon.href = drawn;
  };

  const open = () => {
    const asked = isPage() ? Object.fromEntries(new URLSearchParams(location.search)) : {};
    setTimeout(settled, OPENING_MS);
    model.send({ opened: asked, languages: [...navigator.languages], has: model.get("has") });
  };
  const settled = () => document.dispatchEvent(new Event("fo-settled"));

  const follow = () => {
    if (!isPage()) return;
    const url = new URL(location);
    for (const [name, value] of Object.entries(model.get("address"))) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    history.replaceState(history.state, "", url);
  };

  const addFont = async (letters, file) => {
    // Its own letters only: everything else stays in the font that the theme names.
    const face = new FontFace("FinanceOps Inter", file, { weight: "100 900", unicodeRange: letters });
    document.fonts.add(await face.load());
  };

  const pieces = new Map();
  const hear = (message, buffers) => {
    if (message.font) addFont(message.font, buffers[0]);
    if (message.settled) settled();
    if (message.save !== undefined) save(message, buffers);
  };
  const save = (message, buffers) => {
    const name = message.save;
    if (!pieces.has(name)) pieces.set(name, []);
    if (!message.done) {
      pieces.get(name).push(...buffers);
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(pieces.get(name), { type: message.type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    pieces.delete(name);
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  open();
  dress();
  // In a notebook it is put into the dashboard only after this.
  requestAnimationFrame(dress);
  beat();
  const timer = setInterval(beat, BEAT_MS);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", label);
  document.addEventListener("visibilitychange", beat);
  model.on("change:look", dress);
  model.on("change:tab", label);
  addEventListener("fo-kernel", label);
  model.on("change:address", follow);
  model.on("msg:custom", hear);
  return () => {
    clearInterval(timer);
    alone.remove();
    dark.removeEventListener("change", label);
    document.removeEventListener("visibilitychange", beat);
    model.off("change:look", dress);
    model.off("change:tab", label);
    removeEventListener("fo-kernel", label);
    model.off("change:address", follow);
    model.off("msg:custom", hear);
  };
}

export default { initialize, render };
