// Tells the kernel that somebody is there and when a repaint has reached the screen; saves files.

const BEAT_MS = 5000;

function render({ model }) {
  const visible = () => document.visibilityState === "visible";
  const beat = () => model.send({ beat: visible() });
  const shown = () => {
    const painted = model.get("painted");
    // Two frames: the first one draws, the second one begins when that is done.
    if (visible()) requestAnimationFrame(() => requestAnimationFrame(() => model.send({ shown: painted })));
  };

  const pieces = new Map();
  const save = (message, buffers) => {
    if (message.save === undefined) return;
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

  beat();
  const timer = setInterval(beat, BEAT_MS);
  document.addEventListener("visibilitychange", beat);
  model.on("change:painted", shown);
  model.on("msg:custom", save);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", beat);
    model.off("change:painted", shown);
    model.off("msg:custom", save);
  };
}

export default { render };
