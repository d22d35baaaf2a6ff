// What the widgets' own scripts are in: models with messages, and an element for each panel.
async ([pageSource, panelSource, own, states]) => {
  const load = (source) => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const [page, panel] = await Promise.all([pageSource, panelSource].map(load));

  const modelOf = (state, models = {}) => {
    const hearers = [];
    const emit = (name, ...what) => hearers.filter(([on]) => on === name).forEach(([, hear]) => hear(...what));
    return {
      emit,
      sent: [],
      get: (name) => state[name],
      set: (name, value) => (state[name] = value),
      set_state(changed) {
        Object.assign(state, changed);
        for (const name of Object.keys(changed)) emit(`change:${name}`);
      },
      on: (name, hear) => hearers.push([name, hear]),
      send(message) {
        this.sent.push(message);
      },
      widget_manager: { get_model: async (name) => models[name] },
    };
  };

  const names = Object.keys(states);
  const models = Object.fromEntries(names.map((name) => [name, modelOf(states[name])]));
  const kernel = modelOf(own, models);
  page.default.initialize({ model: kernel });
  document.body.replaceChildren();
  const places = names.map((name) => {
    const el = document.createElement("div");
    document.body.append(el);
    panel.default.render({ model: models[name], el });
    return [name, el];
  });

  const shown = (el) => {
    const copy = el.cloneNode(true);
    for (const fresh of copy.querySelectorAll("[data-fresh]")) fresh.removeAttribute("data-fresh");
    return copy.innerHTML;
  };
  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.innerHTML;
  };

  // What the page says to these messages.
  window.hear = async (messages) => {
    for (const [name, message] of messages) {
      if (name === null) kernel.emit("msg:custom", message);
      else models[name].set_state({ html: message });
    }
    await new Promise((done) => setTimeout(done));
    return kernel.sent.splice(0);
  };
  window.has = () => kernel.get("has");
  window.wrong = (htmls) => places.filter(([name, el]) => shown(el) !== parsed(htmls[name])).map(([name]) => name);
};
