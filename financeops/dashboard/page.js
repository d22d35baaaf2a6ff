// Tells the kernel that somebody is there and when a repaint has reached the screen; saves files.

const BEAT_MS = 5000;
const OPENING_MS = 5000; // the longest time that a page stays covered while its link is opened

// Under Voilà the page and its address are the dashboard's, in a notebook they are not.
const isPage = () => document.body.dataset.voila !== undefined;

function render({ model, el }) {
  const visible = () => document.visibilityState === "visible";
  let has = 0; // the last repaint before which none is missing
  const beat = () => model.send({ beat: visible(), has });

  const repaint = async ({ panels, number, whole }) => {
    if (whole || number === has + 1) has = number;
    // Only the kernel changes what a panel shows: nothing goes back to it.
    const show = async ([id, html]) => (await model.widget_manager.get_model(id)).set_state({ html });
    await Promise.all(Object.entries(panels).map(show));
    // Two frames: the first one draws, the second one begins when that is done.
    if (visible()) requestAnimationFrame(() => requestAnimationFrame(() => model.send({ shown: number })));
  };

  const dress = () => {
    const { theme, lang, dir, title } = model.get("look");
    // A tooltip hangs beside the dashboard, so the colours are for the whole document.
    document.documentElement.dataset.foTheme = theme;
    const root = isPage() ? document.documentElement : el.closest(".fo-dashboard");
    if (!root) return;
    root.lang = lang;
    root.dir = dir;
    if (isPage()) document.title = title;
  };

  const open = () => {
    const asked = isPage() ? Object.fromEntries(new URLSearchParams(location.search)) : {};
    // The kernel may have begun with another view: that is not shown until this one is there.
    if (Object.keys(asked).length) {
      document.documentElement.classList.add("fo-opening");
      setTimeout(settled, OPENING_MS);
    }
    model.send({ opened: asked, languages: [...navigator.languages] });
  };
  const settled = () => document.documentElement.classList.remove("fo-opening");

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
    if (message.panels) repaint(message);
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
  document.addEventListener("visibilitychange", beat);
  model.on("change:look", dress);
  model.on("change:address", follow);
  model.on("msg:custom", hear);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", beat);
    model.off("change:look", dress);
    model.off("change:address", follow);
    model.off("msg:custom", hear);
  };
}

export default { render };
