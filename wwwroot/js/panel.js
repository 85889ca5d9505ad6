// What the pages need beside Blazor: theme button, narrow-screen menu, focus on the first field with an error, copy.
(() => {
  "use strict";
  const root = document.documentElement;
  const nav = open => {
    root.toggleAttribute("data-nav-open", open);
    for (const button of document.querySelectorAll("[data-nav-toggle]"))
      button.setAttribute("aria-expanded", String(open));
  };

  // Delegated, so it works on static pages, before the circuit is there, and after every re-render.
  document.addEventListener("click", event => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    if (target.closest("[data-theme-toggle]")) panelTheme.toggle();
    else if (target.closest("[data-nav-toggle]")) nav(!root.hasAttribute("data-nav-open"));
    else if (target.closest("[data-nav-close], .side a")) nav(false);
    if (!target.closest("details.menu"))
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  });
  document.addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    nav(false);
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });

  window.panel = {
    focusFirstError() {
      document.querySelector("[aria-invalid=true]")?.focus();
    },
    // Times are written as they are here.
    zone() {
      return Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
    },
    focusQuestion() {
      document.querySelector(".rz-dialog-content :is(a[href], button, input, select, textarea)")?.focus();
    },
    focus(id) {
      document.getElementById(id)?.focus();
    },
  };

  // A form that was sent and came back with errors: start at the first one.
  if (!document.querySelector("[data-live]")) window.panel.focusFirstError();
})();
