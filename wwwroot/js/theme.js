// Light or dark, chosen before the first paint so that nothing flashes. Loaded in <head>, after the style sheets it picks from.
(() => {
  "use strict";
  const key = "mailadmin.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => {
    try {
      const value = localStorage.getItem(key);
      return value === "light" || value === "dark" ? value : null;
    } catch {
      return null; // storage may be forbidden; the system's choice then holds
    }
  };
  const show = theme => {
    document.documentElement.dataset.theme = theme;
    for (const link of document.querySelectorAll("link[data-scheme]"))
      link.media = link.dataset.scheme === theme ? "all" : "not all";
  };
  const apply = () => show(remembered() ?? (system.matches ? "dark" : "light"));

  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", event => { if (event.key === key) apply(); });

  window.panelTheme = {
    toggle() {
      const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem(key, next); } catch { /* not remembered then */ }
      show(next);
    },
  };
})();
