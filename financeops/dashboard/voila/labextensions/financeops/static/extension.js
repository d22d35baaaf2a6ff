// What the page wants otherwise than Voilà and the widgets, as an extension of JupyterLab: it is there before they are.
(() => {
  const onWidget = (manager, hear) => {
    const { register_model: register } = manager;
    manager.register_model = function (id, model) {
      register.call(this, id, model);
      hear(id, model);
    };
  };

  // A widget, or the page itself, may ask for another widget before the kernel has told of it. ipywidgets then looks
  // for it again and again, for two seconds and not once more at their end: on a busy computer all widgets may come
  // during one such pause. Here who asks waits until the widget is there.
  const waitForWidgets = (manager) => {
    const waiting = new Map();
    const { get_model: get } = manager;
    onWidget(manager, (id, model) => {
      for (const found of waiting.get(id) ?? []) found(model);
      waiting.delete(id);
    });
    manager.get_model = function (id) {
      if (this.has_model(id)) return get.call(this, id);
      return new Promise((found) => waiting.set(id, [...(waiting.get(id) ?? []), found]));
    };
  };

  // A chart is drawn before it has a place, and fits itself into it 0.3 s later. Meanwhile nobody could see the page.
  const fitCharts = (manager) => {
    const charts = [];
    onWidget(manager, (_id, model) => {
      model.then((made) => made.get("_model_name") === "FigureModel" && charts.push(made));
    });
    document.addEventListener("fo-settled", () => {
      for (const chart of charts) {
        for (const view of Object.values(chart.views)) view.then((drawn) => drawn.relayout());
      }
    });
  };

  // anywidget hands no message on to a widget that took more than two seconds to begin: on a slow phone all do.
  const BEGIN_MS = 2000;
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (milliseconds) =>
    milliseconds === BEGIN_MS ? new AbortController().signal : timeout(milliseconds);

  const activate = (app) => {
    app.widgetManagerPromise.promise.then((manager) => {
      waitForWidgets(manager);
      fitCharts(manager);
      // No formula is shown: each page would load what draws formulas, a sixth of all that it is made of.
      manager.rendermime.latexTypesetter = null;
    });
  };

  const extension = { __esModule: true, default: { id: "financeops:page", autoStart: true, activate } };
  (window._JUPYTERLAB ??= {}).financeops = { init: () => {}, get: async () => () => extension };
})();
