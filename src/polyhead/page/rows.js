// Rows: read from CSV, JSON, JSONL or plain text, and written again.

const SEPARATORS = [",", ";", "\t", "|"];
const SAMPLE = 20000;  // characters that a file's separator is guessed from

export function parse(content, name = "") {
  const text = content.replace(/^\uFEFF/, "");
  const list = /\.json$/i.test(name) || (!name && /^\s*\[/.test(text)) ? fromList(text) : null;
  if (list) return list;
  if (/\.(jsonl|ndjson|json)$/i.test(name) || (!/\.(csv|tsv|txt)$/i.test(name) && /^\s*\{/.test(text))) return fromJson(text);
  if (/\.(csv|tsv)$/i.test(name)) return fromTable(text, guessed(text, /\.tsv$/i.test(name) ? "\t" : ","));
  const [first] = text.trimStart().split("\n", 1);
  const separator = name ? undefined : SEPARATORS.find((each) => first.includes(each) && isTable(text, each));
  if (separator) return fromTable(text, separator);
  return text.split(/\r?\n/).map((each) => each.trim()).filter(Boolean).map((each) => ({ text: each }));
}

const isRow = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

const flat = (row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, typeof value === "object" && value !== null ? JSON.stringify(value) : value]));

// One JSON document: objects or texts in a list, or one object; null where it is no document.
function fromList(text) {
  let found;
  try { found = JSON.parse(text); } catch { return null; }
  return (Array.isArray(found) ? found : [found]).map((each, place) => {
    if (typeof each === "string") return { text: each };
    if (!isRow(each)) throw new Error(`Item ${place + 1} is neither a JSON object nor a text.`);
    return flat(each);
  });
}

function fromJson(text) {
  return text.split(/\r?\n/).filter((line) => line.trim()).map((line, place) => {
    let row;
    try { row = JSON.parse(line); } catch { throw new Error(`Line ${place + 1} is no JSON object.`); }
    if (!isRow(row)) throw new Error(`Line ${place + 1} is no JSON object.`);
    return flat(row);
  });
}

const lines = (text, separator) => fields(text, separator).filter((each) => each.some(Boolean));

// The separator that a header has most of and that gives most rows as many fields; `usual` where none does.
function guessed(text, usual) {
  const weight = (separator) => {
    const [names = [], ...rest] = lines(text.slice(0, SAMPLE), separator);
    const alike = rest.filter((each) => each.length === names.length).length;
    return (names.length - 1) * (0.1 + alike / (rest.length || 1));
  };
  return [usual, ...SEPARATORS].reduce((best, each) => (weight(each) > weight(best) ? each : best));
}

// Pasted text is a table if it begins with short, different names, and every row has as many fields: sentences with commas do not.
function isTable(text, separator) {
  const [names = [], ...rest] = lines(text, separator);
  const short = separator === "\t" ? /^.{1,60}$/ : /^[\w .-]{1,30}$/;
  const named = names.length > 1 && new Set(names).size === names.length && names.every((each) => short.test(each.trim()));
  return named && rest.length > 0 && rest.every((each) => each.length === names.length);
}

// RFC 4180: quoted fields may hold the separator, line ends and doubled quotes.
function fields(text, separator) {
  const found = [];
  let [field, line, quoted] = ["", [], false];
  for (let n = 0; n < text.length; n++) {
    const each = text[n];
    if (quoted) {
      if (each !== '"') field += each;
      else if (text[n + 1] === '"') { field += '"'; n++; }
      else quoted = false;
    } else if (each === '"' && field === "") quoted = true;
    else if (each === separator) { line.push(field); field = ""; }
    else if (each === "\n") { found.push([...line, field.replace(/\r$/, "")]); [field, line] = ["", []]; }
    else field += each;
  }
  if (field || line.length) found.push([...line, field]);
  return found;
}

function fromTable(text, separator) {
  const [names, ...rest] = lines(text, separator);
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
