// A request to copy as a command or a program, and its answer.

import { hasKey } from "./api.js";
import { el } from "./dom.js";

const SHOWN = 1400;

export function copies(name, given, answer) {
  const asked = { model: name, inputs: [given], overflow: "truncate" };
  const body = JSON.stringify(asked);
  const texts = {
    curl: `curl ${location.origin}/v1/analyze -H 'Content-Type: application/json'${hasKey() ? ` -H "Authorization: Bearer $POLYHEAD_API_KEY"` : ""} -d '${body.replaceAll("'", "'\\''")}'`,
    Python: `import ${hasKey() ? "os\n\nimport " : ""}requests\n\nanswer = requests.post(${JSON.stringify(`${location.origin}/v1/analyze`)}, json=${JSON.stringify(asked)}${hasKey() ? `, headers={"Authorization": f"Bearer {os.environ['POLYHEAD_API_KEY']}"}` : ""})\nprint(answer.json()["results"][0])\n`,
    JSON: JSON.stringify(answer, null, 2),
  };
  const byHand = el("div", { class: "byhand" });
  return el("div", { class: "copies" }, el("div", { class: "chips", role: "group", "aria-label": `Copy the request to ${name} or its answer` }, Object.entries(texts).map(([what, content]) =>
    el("button", { type: "button", class: "small", "data-copy": what, onclick: (event) => copy(content, event.currentTarget, byHand) }, `Copy as ${what}`))), byHand);
}

// Without a clipboard (plain http over a network) the old way; where that is forbidden too, the text lies there selected.
async function copy(text, button, byHand) {
  const before = button.dataset.name ??= button.textContent;
  const done = await clipboard(text) || selected(text, byHand, button);
  button.textContent = done ? "Copied" : "Selected: copy it below";
  setTimeout(() => { button.textContent = before; }, SHOWN);
}

async function clipboard(text) {
  if (!navigator.clipboard) return false;
  return navigator.clipboard.writeText(text).then(() => true, () => false);
}

function selected(text, byHand, button) {
  const area = el("textarea", { class: "mono", readonly: true, rows: 4, "aria-label": "The text to copy", value: text });
  byHand.replaceChildren(area);
  area.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch { /* then by hand */ }
  if (!done) { area.focus(); return false; }
  byHand.replaceChildren();
  button.focus();
  return true;
}
