// The widgets were built for another JupyterLab than that of Voilà. There is only this one, so it is taken, and for each
// of its modules the console would be told: nobody can do anything about that, and it hides what matters.
(() => {
  const VERSIONS = /^(Unsatisfied|No satisfying) version .* of shared /;
  const { warn } = console;
  console.warn = (...said) => {
    if (!VERSIONS.test(said[0])) warn.apply(console, said);
  };
})();
