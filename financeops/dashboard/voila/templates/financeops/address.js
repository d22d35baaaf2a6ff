// What the address says about colours and direction holds from the first paint on; the kernel says it again later.
(() => {
  const asked = new URLSearchParams(location.search);
  const root = document.documentElement;
  if (["light", "dark"].includes(asked.get("theme"))) root.dataset.foTheme = asked.get("theme");
  if (/^ar\b/.test(asked.get("lang"))) root.dir = "rtl";
})();
