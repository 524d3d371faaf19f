// Making elements. Text from users is only ever text: nothing here reads markup.

export function el(name, options = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "vars") for (const [name, own] of Object.entries(value)) made.style.setProperty(name, own);
    else if (key === "value") made.value = value;
    else made.setAttribute(key === "class" ? "class" : key, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children.flat());
  return made;
}

export const fill = (place, ...children) => place.replaceChildren(...children.flat().filter(Boolean));

export const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

export const milliseconds = (seconds) => {
  const found = 1000 * seconds;
  return found < 10 ? `${found.toFixed(1)} ms` : found < 1000 ? `${Math.round(found)} ms` : `${(found / 1000).toFixed(1)} s`;
};

export const count = (number) => Math.round(number).toLocaleString("en");

// A tip at an element that has one in data-tip, by mouse and by keyboard; Escape takes it away.
export function tips(root) {
  const tip = el("div", { class: "tip", role: "tooltip", id: "tip", hidden: true });
  document.body.append(tip);
  let told = null;
  const hide = () => {
    tip.hidden = true;
    told?.removeAttribute("aria-describedby");
    told = null;
  };
  const show = (event) => {
    hide();
    told = event.target.closest?.("[data-tip]") ?? null;
    if (!told) return;
    told.setAttribute("aria-describedby", tip.id);
    tip.textContent = told.dataset.tip;
    tip.hidden = false;
    const box = told.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${Math.max(8, box.top - tip.offsetHeight - 6)}px`;
  };
  for (const kind of ["mouseover", "focusin"]) root.addEventListener(kind, show);
  for (const kind of ["mouseout", "focusout", "scroll"]) root.addEventListener(kind, hide);
  root.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}
