// Light or dark: as the system is, until somebody chooses.

function theme(wanted) {
  document.documentElement.dataset.theme = wanted;
  try { localStorage.setItem("polyhead-theme", wanted); } catch { /* a browser may forbid it */ }
}
let remembered = null;
try { remembered = localStorage.getItem("polyhead-theme"); } catch { /* as above */ }
document.documentElement.dataset.theme = remembered ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.getElementById("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
