// The page: which view is open, which model is asked, the key.

import { analyseView } from "./analyse.js";
import * as api from "./api.js";
import { compareView } from "./compare.js";
import { el, fill, tips } from "./dom.js";
import { exploreView } from "./explore.js";
import { modelView } from "./model.js";
import "./theme.js";

const byId = (id) => document.getElementById(id);
const state = { models: [], model: null, infos: {} };
const views = { analyse: analyseView, compare: compareView, explore: exploreView, model: modelView };
const made = {};
const tabs = [...document.querySelectorAll("[role=tab]")];

function said(kind, text) {
  byId("state").dataset.state = kind;
  byId("state").querySelector("span").textContent = text;
}

function open(name, focus = false) {
  for (const tab of tabs) {
    const own = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(own));
    tab.tabIndex = own ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !own;
    if (own && focus) tab.focus();
  }
  if (location.hash !== `#${name}`) history.replaceState(null, "", `#${name}`);
  if (!state.model) return;
  made[name] ??= views[name](byId(`view-${name}`), state);
  made[name].refresh();
}

const current = () => tabs.find((tab) => tab.getAttribute("aria-selected") === "true").id.slice(4);

tabs.forEach((tab, place) => {
  const name = tab.id.slice(4);
  tab.addEventListener("click", () => open(name));
  tab.addEventListener("keydown", (event) => {
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    open(tabs[(next + tabs.length) % tabs.length].id.slice(4), true);
  });
});

byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  api.setKey(byId("key-value").value);
  byId("key").hidden = true;
  start();
});
document.addEventListener("key-needed", () => { byId("key").hidden = false; byId("key-value").focus(); });

byId("model").addEventListener("change", async (event) => {
  state.model = event.target.value;
  open(current());
});

async function start() {
  try {
    state.models = await api.models();
    for (const name of state.models) state.infos[name] = await api.info(name);
  } catch (error) {
    if (error.status === 503) { said("", "starting"); setTimeout(start, 1000); return; }
    said("bad", error.status === 401 ? "locked" : "not connected");
    if (error.status !== 401) fill(byId("view-analyse"), el("p", { class: "note bad", role: "alert" }, error.message));
    return;
  }
  state.model ??= state.models[0];
  fill(byId("model"), state.models.map((each) => el("option", { value: each }, each)));
  byId("pick").hidden = state.models.length < 2;
  said("ready", state.models.length < 2 ? state.model : "ready");
  open(current());
}

tips(document);
open(views[location.hash.slice(1)] ? location.hash.slice(1) : "analyse");
start();
