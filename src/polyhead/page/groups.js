// What points are coloured by: a head's answer or a column of their rows, as groups; many numbers as ranges.

const RANGES = 7;
const PLAIN = 8;  // tones of the sheet that tell names apart; those after them are steps of one colour

const isAnswer = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// What may be chosen: the heads that answer a text alone, and the columns beside the text's.
export const choices = (results, rows, column) => [
  ...Object.keys(results[0]).filter((name) => isAnswer(results[0][name])).map((name) => ({ value: `head:${name}`, label: name })),
  ...columns(rows).filter((each) => each !== column).map((each) => ({ value: `column:${each}`, label: `column ${each}` })),
];

export const columns = (rows) => [...new Set(rows.flatMap(Object.keys))];

function said(answer) {
  if (answer === undefined) return "";
  if (answer.entities) return [...new Set(answer.entities.map((each) => each.entity_group))].sort().join(", ") || "none";
  if (answer.scores) return answer.label ?? (answer.labels.join(", ") || "none");
  return answer.value ?? answer.score;
}

// `nameOf(number)` is a row's group, `toneOf(number)` its colour, `names` all groups: the largest first, ranges (`steps`) in their order.
export function grouping(choice, results, rows) {
  const name = choice.slice(choice.indexOf(":") + 1);
  const values = results.map((each, number) => (choice.startsWith("head:") ? said(each[name]) : rows[number][name] ?? ""));
  const numbers = values.filter((each) => each !== "").map(Number);
  const steps = numbers.every(Number.isFinite) && new Set(numbers).size > RANGES ? ranges(numbers) : null;
  const nameOf = (number) => (steps && values[number] !== "" ? steps.find((each) => Number(values[number]) <= each.top).name : `${values[number]}`);
  const counts = new Map((steps ?? []).map((each) => [each.name, 0]));
  for (const number of values.keys()) counts.set(nameOf(number), (counts.get(nameOf(number)) ?? 0) + 1);
  const names = [...counts].filter(([, own]) => own);
  if (!steps) names.sort((one, other) => other[1] - one[1]);
  const tones = new Map(names.map(([each], place) => [each, steps && place < RANGES && each !== "" ? PLAIN + place : Math.min(place, RANGES)]));
  return { names, nameOf, steps: steps !== null, toneOf: (number) => tones.get(nameOf(number)), tone: (each) => tones.get(each) };
}

// Ranges that hold about as many numbers each.
function ranges(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const short = (value) => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
  const found = [];
  for (let number = 1, low = sorted[0]; number <= RANGES; number++) {
    const top = number === RANGES ? Infinity : sorted[Math.floor((sorted.length * number) / RANGES)];
    if (found.length && top === found.at(-1).top) continue;
    const high = Math.min(top, sorted.at(-1));
    found.push({ top, name: `${short(low)} – ${short(high)}` });
    low = high;
  }
  return found;
}
