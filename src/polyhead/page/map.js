// A map of points on a canvas: colours, a tip, a click, a lasso. Points are drawn once and shown again under a lasso.

import { el } from "./dom.js";

const MANY = 3000;

export function makeMap(canvas, { onPick, onLasso, tip }) {
  let [points, tones, marked, lasso] = [[], [], null, null];
  const layer = document.createElement("canvas");
  const bubble = el("div", { class: "tip", hidden: true });
  document.body.append(bubble);
  const place = () => {
    const xs = points.map((each) => each[0]), ys = points.map((each) => each[1]);
    const bounds = (all) => { const low = all.reduce((a, b) => Math.min(a, b), Infinity), high = all.reduce((a, b) => Math.max(a, b), -Infinity); return [low, high - low || 1]; };
    const [left, width] = bounds(xs), [low, height] = bounds(ys);
    const box = canvas.getBoundingClientRect();
    return points.map(([x, y]) => [14 + ((x - left) / width) * (box.width - 28), 14 + (1 - (y - low) / height) * (box.height - 28)]);
  };
  let placed = [];

  function draw() {
    const box = canvas.getBoundingClientRect(), scale = devicePixelRatio || 1;
    for (const each of [canvas, layer]) [each.width, each.height] = [box.width * scale, box.height * scale];
    const pen = layer.getContext("2d");
    pen.scale(scale, scale);
    placed = place();
    const style = getComputedStyle(document.documentElement);
    const colours = Array.from({ length: 15 }, (_, tone) => style.getPropertyValue(tone < 8 ? `--c${tone}` : `--s${tone - 8}`));
    const radius = points.length > 600 ? 3 : 4.5;
    const dot = points.length > MANY
      ? ([x, y]) => pen.fillRect(x - 1.3, y - 1.3, 2.6, 2.6)
      : ([x, y]) => { pen.beginPath(); pen.arc(x, y, radius, 0, 7); pen.fill(); };
    for (const above of marked ? [false, true] : [true]) {
      pen.globalAlpha = above ? 0.82 : 0.14;
      placed.forEach((each, number) => {
        if (marked && marked.has(number) !== above) return;
        pen.fillStyle = colours[tones[number]] ?? colours[7];
        dot(each);
      });
    }
    show();
  }

  function show() {
    const scale = devicePixelRatio || 1, pen = canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (layer.width && layer.height) pen.drawImage(layer, 0, 0);
    pen.scale(scale, scale);
    if (lasso?.length > 1) {
      pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
      pen.lineWidth = 1.5;
      pen.beginPath();
      lasso.forEach(([x, y], number) => (number ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.closePath();
      pen.stroke();
    }
  }

  const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const near = ([x, y]) => {
    let [best, distance] = [null, 14 ** 2];
    placed.forEach(([a, b], number) => { const own = (a - x) ** 2 + (b - y) ** 2; if (own < distance) [best, distance] = [number, own]; });
    return best;
  };
  const inside = ([x, y], polygon) => {
    let found = false;
    for (let n = 0, m = polygon.length - 1; n < polygon.length; m = n++) {
      const [[ax, ay], [bx, by]] = [polygon[n], polygon[m]];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) found = !found;
    }
    return found;
  };
  canvas.addEventListener("pointerdown", (event) => { lasso = [at(event)]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (lasso) { lasso.push(at(event)); show(); return; }
    const number = near(at(event));
    bubble.hidden = number === null;
    if (number === null) return;
    bubble.textContent = tip(number).slice(0, 300);
    bubble.style.left = `${Math.max(8, Math.min(event.clientX + 12, innerWidth - bubble.offsetWidth - 8))}px`;
    bubble.style.top = `${Math.max(8, event.clientY - bubble.offsetHeight - 10)}px`;
  });
  canvas.addEventListener("pointerleave", () => { bubble.hidden = true; });
  canvas.addEventListener("pointercancel", () => { lasso = null; show(); });  // the finger scrolls
  canvas.addEventListener("pointerup", (event) => {
    const drawn = lasso ?? [];
    lasso = null;
    const [[x, y], [a, b]] = [drawn[0] ?? [0, 0], at(event)];
    const extent = drawn.reduce((most, [c, d]) => Math.max(most, Math.hypot(c - x, d - y)), 0);
    if (extent < 5) { const number = near([a, b]); if (number !== null) onPick(number); else onLasso(null); }
    else onLasso(placed.flatMap((each, number) => (inside(each, drawn) ? [number] : [])));
    show();
  });
  new ResizeObserver(draw).observe(canvas);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return {
    show(newPoints, newTones) { [points, tones, marked] = [newPoints, newTones, null]; draw(); },
    colour(newTones) { tones = newTones; draw(); },
    mark(numbers) { marked = numbers && new Set(numbers); draw(); },
    redraw: draw,
  };
}
