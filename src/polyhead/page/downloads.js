// Rows with what the heads answered, to take away.

import { parquet } from "./api.js";
import { el } from "./dom.js";
import { columns } from "./groups.js";
import { download, toCsv, toJsonl } from "./rows.js";

export function labelled(rows, results) {
  const cut = results.some((each) => each.truncated) && (columns(rows).includes("truncated") ? "text_truncated" : "truncated");
  return rows.map((row, number) => {
    const own = { ...row, ...(cut ? { [cut]: results[number].truncated } : {}) };
    for (const [head, answer] of Object.entries(results[number])) {
      const name = head in row ? `${head}_predicted` : head;
      if (answer?.scores) { own[name] = answer.label ?? answer.labels.join("|"); own[`${name}_score`] = answer.score ?? null; }
      else if (answer?.entities) own[name] = JSON.stringify(answer.entities);
      else if (answer?.value !== undefined) own[name] = answer.value;
      else if (answer?.score !== undefined) own[name] = answer.score;
    }
    return own;
  });
}

// `own` gives the labelled rows, `fail` is told what went wrong.
export function downloads(own, fail) {
  async function saveParquet() {
    try {
      download("labelled.parquet", await parquet(own()));
    } catch (error) { fail(error.status === 413 ? "These rows are too large for Parquet here: take JSONL or CSV." : error.message); }
  }
  const button = (name, save) => el("button", { type: "button", class: "small", onclick: save }, `Download ${name}`);
  return el("div", { class: "row" },
    button("CSV", () => download("labelled.csv", toCsv(own()), "text/csv")),
    button("JSONL", () => download("labelled.jsonl", toJsonl(own()), "application/jsonl")),
    button("Parquet", saveParquet));
}
