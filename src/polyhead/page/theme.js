// Light or dark: as the system is, until somebody chooses by the button that is put among the page's tools.

import { el, svg } from "./dom.js";

function theme(wanted) {
  document.documentElement.dataset.theme = wanted;
  try { localStorage.setItem("polyhead-theme", wanted); } catch { /* a browser may forbid it */ }
}
let remembered = null;
try { remembered = localStorage.getItem("polyhead-theme"); } catch { /* as above */ }
document.documentElement.dataset.theme = remembered ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.querySelector(".tools").append(el("button", { class: "icon", id: "theme", "aria-label": "Change between light and dark", title: "Light or dark",
  onclick: () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark") },
  svg("svg", { viewBox: "0 0 24 24", width: 18, height: 18, "aria-hidden": "true" },
    svg("path", { d: "M12 3a9 9 0 1 0 0 18z", fill: "currentColor" }), svg("circle", { cx: 12, cy: 12, r: 9, fill: "none", stroke: "currentColor", "stroke-width": 2 }))));
