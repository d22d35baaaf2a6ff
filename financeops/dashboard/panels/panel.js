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

function render({ model, el }) {
  const send = (action, value = null) => model.send({ action, value });
  const show = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement : null;
    const next = document.createElement("template");
    next.innerHTML = model.get("html");
    morphChildren(el, next.content);
    // Whoever works with the keyboard goes on from here, not from the top of the page.
    if (focused && !focused.isConnected) el.focus({ preventScroll: true });
  };
  const act = (event) => {
    const control = event.target.closest("[data-action]");
    if (!control || !el.contains(control) || control.disabled || control.ariaDisabled === "true") return;
    const chosen = control.matches("select, input");
    if (chosen !== (event.type === "change")) return;
    send(control.dataset.action, chosen ? control.value : (control.dataset.value ?? null));
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
  el.addEventListener("click", act);
  el.addEventListener("change", act);
  el.addEventListener("keydown", move);
  document.addEventListener("keydown", escape);
  return () => {
    model.off("change:html", show);
    document.removeEventListener("keydown", escape);
  };
}

export default { render };
