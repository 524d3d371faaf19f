// Rows: read from CSV, JSONL or plain text, and written again.

export function parse(content, name = "") {
  const text = content.replace(/^\uFEFF/, "");
  if (/\.(jsonl|ndjson|json)$/i.test(name) || /^\s*\{/.test(text)) return fromJson(text);
  if (/\.(csv|tsv)$/i.test(name)) return fromTable(text, /\.tsv$/i.test(name) ? "\t" : ",");
  if (!name && isTable(text)) return fromTable(text, ",");
  return text.split(/\r?\n/).map((each) => each.trim()).filter(Boolean).map((each) => ({ text: each }));
}

function fromJson(text) {
  return text.split(/\r?\n/).filter((line) => line.trim()).map((line, place) => {
    let row;
    try { row = JSON.parse(line); } catch { throw new Error(`Line ${place + 1} is no JSON object.`); }
    if (row === null || typeof row !== "object" || Array.isArray(row)) throw new Error(`Line ${place + 1} is no JSON object.`);
    return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, typeof value === "object" && value !== null ? JSON.stringify(value) : value]));
  });
}

// Pasted text is CSV if it begins with short, different names, and every row has as many fields: sentences with commas do not.
function isTable(text) {
  const lines = fields(text, ",").filter((each) => each.some(Boolean));
  const [names = [], ...rest] = lines;
  const named = names.length > 1 && new Set(names).size === names.length && names.every((each) => /^[\w .-]{1,30}$/.test(each.trim()));
  return named && rest.length > 0 && rest.every((each) => each.length === names.length);
}

// RFC 4180: quoted fields may hold the separator, line ends and doubled quotes.
function fields(text, separator) {
  const lines = [];
  let [field, line, quoted] = ["", [], false];
  for (let n = 0; n < text.length; n++) {
    const each = text[n];
    if (quoted) {
      if (each !== '"') field += each;
      else if (text[n + 1] === '"') { field += '"'; n++; }
      else quoted = false;
    } else if (each === '"' && field === "") quoted = true;
    else if (each === separator) { line.push(field); field = ""; }
    else if (each === "\n") { lines.push([...line, field.replace(/\r$/, "")]); [field, line] = ["", []]; }
    else field += each;
  }
  if (field || line.length) lines.push([...line, field]);
  return lines;
}

function fromTable(text, separator) {
  const [names, ...rest] = fields(text, separator).filter((each) => each.some(Boolean));
  if (!names) return [];
  const width = rest.reduce((most, each) => Math.max(most, each.findLastIndex(Boolean) + 1), names.length);
  const all = Array.from({ length: width }, (_, place) => names[place] || `column ${place + 1}`);
  return rest.map((each) => Object.fromEntries(all.map((name, place) => [name, each[place] ?? ""])));
}

export const toCsv = (rows) => {
  const names = [...new Set(rows.flatMap(Object.keys))];
  const cell = (value) => (/[",\r\n]/.test(`${value ?? ""}`) ? `"${`${value}`.replaceAll('"', '""')}"` : `${value ?? ""}`);
  return [names, ...rows.map((row) => names.map((name) => row[name]))].map((line) => line.map(cell).join(",")).join("\r\n");
};

export const toJsonl = (rows) => rows.map((row) => JSON.stringify(row)).join("\n");

export function textColumn(rows) {
  const names = Object.keys(rows[0] ?? {});
  const known = names.find((name) => /^(text|sentence|content|body|title)$/i.test(name));
  const length = (name) => rows.slice(0, 50).reduce((sum, row) => sum + `${row[name] ?? ""}`.length, 0);
  return known ?? names.sort((one, other) => length(other) - length(one))[0];
}

export function download(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
