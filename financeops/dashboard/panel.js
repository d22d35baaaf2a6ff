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

function render({ model, el }) {
  const show = () => {
    const next = document.createElement("template");
    next.innerHTML = model.get("html");
    morphChildren(el, next.content);
  };
  const act = (event) => {
    const control = event.target.closest("[data-action]");
    if (!control || !el.contains(control) || control.disabled) return;
    const chosen = control.matches("select, input");
    if (chosen !== (event.type === "change")) return;
    model.send({ action: control.dataset.action, value: chosen ? control.value : (control.dataset.value ?? null) });
  };
  show();
  model.on("change:html", show);
  el.addEventListener("click", act);
  el.addEventListener("change", act);
  return () => model.off("change:html", show);
}

export default { render };
