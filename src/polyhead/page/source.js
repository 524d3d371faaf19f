// Where Explore's rows come from: a file or what is pasted, and the column that has the text.

import { count, el, fill } from "./dom.js";
import { columns } from "./groups.js";
import { parse, textColumn } from "./rows.js";

const MARKS = [["utf-16le", 0xff, 0xfe], ["utf-16be", 0xfe, 0xff]];

// A file's text: UTF-16 by its mark, UTF-8 if it is that to its last byte, or what Windows wrote before.
export function decoded(bytes) {
  const [wide] = MARKS.find(([, first, second]) => bytes[0] === first && bytes[1] === second) ?? [];
  if (wide) return { text: new TextDecoder(wide).decode(bytes) };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { text: new TextDecoder("windows-1252").decode(bytes), remark: " It is not UTF-8: read as windows-1252." };
  }
}

export function rowSource(most, { say, fail }) {
  const file = el("input", { type: "file", id: "file", accept: ".csv,.tsv,.jsonl,.ndjson,.json,.txt", "aria-label": "A file of rows" });
  const pasted = el("textarea", { id: "rows", rows: 4, "aria-label": "Rows, a text a line", placeholder: "… or paste: a text a line, a table with its header, or JSON" });
  const column = el("select", { id: "column", "aria-label": "Column with the text" });
  const picked = el("label", { class: "row quiet", for: "column", hidden: true }, "text in", column);
  let given = [];

  file.addEventListener("change", async () => {
    const [own] = file.files;
    if (!own) return;
    pasted.value = "";
    try {
      const { text, remark = "" } = decoded(new Uint8Array(await own.arrayBuffer()));
      if (file.files[0] !== own) return;  // other rows came meanwhile
      take(text, own.name, remark);
    } catch (error) { fail(`${own.name} cannot be read: ${error.message}`); }
  });
  pasted.addEventListener("input", () => { file.value = ""; take(pasted.value, "", ""); });

  function take(content, name, remark) {
    given = [];
    picked.hidden = true;
    try { given = parse(content, name); } catch (error) { fail(error.message); return; }
    fill(column, columns(given.slice(0, most)).map((each) => el("option", { value: each }, each)));
    picked.hidden = !given.length;
    if (given.length) column.value = textColumn(given);
    say((given.length > most ? `${count(given.length)} rows: the first ${count(most)} will be read.` : `${count(given.length)} rows.`) + remark);
  }

  return { file, pasted, picked, rows: () => given, column: () => column.value };
}
