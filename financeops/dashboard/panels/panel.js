// Shows the HTML that the kernel makes. What did not change stays the same element.

function sameKind(have, wanted) {
  return have.nodeType === wanted.nodeType && have.nodeName === wanted.nodeName;
}

function morph(have, wanted) {
  if (have.nodeType !== Node.ELEMENT_NODE) {
    if (have.nodeValue !== wanted.nodeValue) have.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...have.attributes]) {
    if (!wanted.hasAttribute(name)) have.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  }
  morphChildren(have, wanted);
  // What was chosen by hand no longer follows the attributes of its options.
  if (have.nodeName === "SELECT" && have.value !== wanted.value) have.value = wanted.value;
}

// Elements with a data-key are found again wherever they moved to, others by their place.
function morphChildren(parent, next) {
  const keyed = new Map();
  for (const child of parent.children) {
    if (child.dataset?.key) keyed.set(child.dataset.key, child);
  }
  let at = parent.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = wanted.dataset?.key;
    const have = key ? keyed.get(key) : at?.dataset?.key ? null : at;
    if (have && sameKind(have, wanted)) {
      if (have === at) at = at.nextSibling;
      else parent.insertBefore(have, at);
      morph(have, wanted);
    } else {
      parent.insertBefore(wanted, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

const MOVES = ["ArrowLeft", "ArrowRight", "Home", "End"];
const ANSWER_MS = 10000; // until a press that has no answer is taken back: it was lost on its way

// What a press looks like until the kernel has answered it, which may take longer than a finger waits.
function press(content, { action, value, key }) {
  const controls = [...content.querySelectorAll(`[data-action="${action}"], [data-moves="${action}"]`)];
  const own = controls.find(
    (each) =>
      each.matches("select, [data-moves]") ||
      ((each.dataset.value ?? null) === value && each.closest("[data-key]")?.dataset.key === key),
  );
  if (!own) return;
  if (own.nodeName === "SELECT") own.value = value;
  if (own.ariaPressed === null) {
    own.ariaBusy = "true";
    return;
  }
  // The one that is chosen; chosen again, a toggle leaves the choice to the one that means all, if there is one.
  const on = own.dataset.toggles === undefined || own.ariaPressed !== "true";
  for (const each of controls) {
    if (each.ariaPressed !== null) each.ariaPressed = String(on ? each === own : each.dataset.value === "");
  }
}

function render({ model, el }) {
  let waiting = []; // presses without an answer
  const settle = (answered) => {
    const left = waiting.filter(({ id }) => !answered.includes(id));
    if (left.length === waiting.length) return;
    waiting = left;
    show();
  };
  const send = (action, value = null, key = undefined) => {
    const id = Math.random().toString(36).slice(2);
    waiting.push({ id, action, value, key });
    model.send({ action, value, press: id });
    show();
    setTimeout(settle, ANSWER_MS, [id]);
  };
  const hear = () => settle(model.get("answered"));
  const show = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement : null;
    const next = document.createElement("template");
    next.innerHTML = model.get("html");
    for (const each of waiting) press(next.content, each);
    morphChildren(el, next.content);
    // Whoever works with the keyboard goes on from here, not from the top of the page.
    if (focused && !focused.isConnected) el.focus({ preventScroll: true });
  };
  const act = (event) => {
    const control = event.target.closest("[data-action]");
    if (!control || !el.contains(control) || control.disabled || control.ariaDisabled === "true") return;
    const chosen = control.matches("select, input");
    if (chosen !== (event.type === "change")) return;
    const key = control.closest("[data-key]")?.dataset.key;
    send(control.dataset.action, chosen ? control.value : (control.dataset.value ?? null), key);
  };
  const move = (event) => {
    const pointer = event.target.closest("[data-moves]");
    if (!pointer || !MOVES.includes(event.key)) return;
    event.preventDefault();
    send(pointer.dataset.moves, event.key);
  };
  const escape = (event) => {
    const control = event.key === "Escape" && el.querySelector("[data-escape]");
    const here = event.target === document.body || el.closest(".fo-dashboard")?.contains(event.target);
    if (control && here) send(control.dataset.escape);
  };
  el.tabIndex = -1;
  show();
  model.on("change:html", show);
  model.on("change:answered", hear);
  el.addEventListener("click", act);
  el.addEventListener("change", act);
  el.addEventListener("keydown", move);
  document.addEventListener("keydown", escape);
  return () => {
    model.off("change:html", show);
    model.off("change:answered", hear);
    document.removeEventListener("keydown", escape);
  };
}

export default { render };
