// Shows the HTML that the kernel makes. What did not change stays the same element.

function sameKind(have, wanted) {
  return have.nodeType === wanted.nodeType && have.nodeName === wanted.nodeName;
}

// Set by the page on what is new: the kernel's HTML does not say it.
const FRESH = "data-fresh";
const FRESH_MS = 1000;
const freshened = new WeakMap();

// A timer, because while a CSS animation waits or runs the browser makes frames for it.
function freshen(elements) {
  for (const element of elements) {
    element.setAttribute(FRESH, "");
    freshened.set(element, elements);
  }
  setTimeout(() => {
    for (const element of elements) {
      if (freshened.get(element) === elements) element.removeAttribute(FRESH);
    }
  }, FRESH_MS);
}

function morph(have, wanted, fresh) {
  if (have.isEqualNode(wanted)) return;
  if (have.nodeType !== Node.ELEMENT_NODE) {
    if (have.nodeValue !== wanted.nodeValue) have.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...have.attributes]) {
    // A dialog is opened here: the kernel's HTML does not say it either.
    if (!wanted.hasAttribute(name) && name !== FRESH && name !== "open") have.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  }
  morphChildren(have, wanted, fresh);
}

// Elements with a data-key are found again wherever they moved to, others by their place. One that
// leaves becomes the one that takes its place: to change a text costs less than to make a row.
function morphChildren(parent, next, fresh) {
  const keyed = new Map();
  for (const child of parent.children) {
    if (child.dataset?.key) keyed.set(child.dataset.key, child);
  }
  const stay = new Set([...next.children].map((child) => child.dataset?.key));
  // Not one in use: it would do something else than what was pressed.
  const inUse = (child) => child.matches(":active") || child.contains(document.activeElement);
  const leaves = (child) => child?.dataset?.key && !stay.has(child.dataset.key) && !inUse(child);
  let at = parent.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = wanted.dataset?.key;
    const have = key ? (keyed.get(key) ?? (leaves(at) ? at : null)) : at?.dataset?.key ? null : at;
    if (have && sameKind(have, wanted)) {
      if (key && have.dataset.key !== key) fresh.push(have);
      if (have === at) at = at.nextSibling;
      else parent.insertBefore(have, at);
      morph(have, wanted, fresh);
    } else {
      parent.insertBefore(wanted, at);
      if (key) fresh.push(wanted);
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
      each.matches("select, input, [data-moves]") ||
      ((each.dataset.value ?? null) === value && each.closest("[data-key]")?.dataset.key === key),
  );
  if (!own) return;
  if (own.matches("select, input")) own.value = value;
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
  let closed; // the dialog that was closed, until the kernel knows it
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
    const chosen = [...next.content.querySelectorAll("select, input")].map(({ value }) => value);
    const fresh = [];
    morphChildren(el, next.content, fresh);
    if (fresh.length) freshen(fresh);
    // What was chosen by hand no longer follows attributes. A date that is being typed is left alone.
    el.querySelectorAll("select, input").forEach((control, place) => {
      const typing = control.nodeName === "INPUT" && control === document.activeElement;
      if (control.value !== chosen[place] && !typing) control.value = chosen[place];
    });
    const dialog = el.querySelector("dialog");
    if (!dialog) closed = undefined;
    else if (!dialog.open && dialog.dataset.key !== closed) dialog.showModal();
    // Whoever works with the keyboard goes on from here, not from the top of the page: what was moved has
    // lost the focus, and a panel that is hidden by now cannot take it.
    if (!focused || document.activeElement === focused) return;
    const dashboard = el.closest(".fo-dashboard");
    if (dashboard) dashboard.tabIndex = -1;
    for (const next of [focused, el, dashboard]) {
      next?.focus({ preventScroll: true });
      if (document.activeElement === next) break;
    }
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
    const dialog = document.querySelector("dialog[open]"); // the key closes that, and only that
    if (control && here && !dialog) send(control.dataset.escape);
  };
  const close = ({ target }) => {
    closed = target.dataset.key;
    send("close");
  };
  // On the dialog itself is what is beside its content.
  const leave = ({ target }) => target.matches("dialog") && target.close();
  el.tabIndex = -1;
  show();
  model.on("change:html", show);
  model.on("change:answered", hear);
  el.addEventListener("click", act);
  el.addEventListener("change", act);
  el.addEventListener("keydown", move);
  el.addEventListener("close", close, true);
  el.addEventListener("click", leave);
  document.addEventListener("keydown", escape);
  return () => {
    model.off("change:html", show);
    model.off("change:answered", hear);
    document.removeEventListener("keydown", escape);
  };
}

export default { render };
