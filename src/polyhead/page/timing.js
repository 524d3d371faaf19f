// What a request took, part by part, and the request itself to copy.

import { copies } from "./copies.js";
import { el, milliseconds } from "./dom.js";

// `whose` is the model where two are shown.
export function timeCard({ answer, seconds, name, given }, whose) {
  return el("div", { class: "card" },
    el("div", { class: "head" }, el("h2", {}, whose ? `Time of ${whose}` : "Time"), el("span", { class: "quiet" }, `${milliseconds(seconds.whole)} in all`)), times(seconds),
    whose && el("p", { class: "quiet request" }, `The request to ${whose} and its answer:`), copies(name, given, answer));
}

function times(seconds) {
  const remembered = seconds.tokenize + seconds.inference === 0;
  const network = Math.max(0, seconds.whole - seconds.tokenize - seconds.queue - seconds.inference);
  const parts = [["tokenise", seconds.tokenize], ["queue", seconds.queue], ["model", seconds.inference], ["network and page", network]];
  return el("div", {}, el("div", { class: "times", "aria-hidden": "true" }, parts.map(([, own], tone) => el("i", { class: `tone${tone}`, vars: { "--share": Math.max(own, 1e-6) / seconds.whole } }))),
    el("ul", { class: "legend" }, parts.map(([name, own], tone) => el("li", { class: `tone${tone}` }, el("i", { "aria-hidden": "true" }), `${name} ${milliseconds(own)}`))),
    remembered ? el("p", { class: "quiet" }, "The server remembered this answer.") : null);
}
