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
  // What this device was set to, else what its user has set for all of his, else what the device says.
  const wish = () => {
    const value = document.documentElement.dataset.schemeWish;
    return value === "light" || value === "dark" ? value : null;
  };
  const apply = () => show(remembered() ?? wish() ?? (system.matches ? "dark" : "light"));

  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", event => { if (event.key === key) apply(); });

  window.panelTheme = {
    forget() {
      try { localStorage.removeItem(key); } catch { /* nothing was remembered then */ }
    },
    toggle() {
      const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem(key, next); } catch { /* not remembered then */ }
      show(next);
    },
  };
})();
