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

const AGAIN = 1000;
let keyed = false;  // a key was typed: the open view's field comes next
let gone = false;

// The server's state beside the tabs; `more` stands in the place of the views while there is nothing to see in them.
function said(kind, text, more = "") {
  byId("state").dataset.state = kind;
  byId("state").querySelector("span").textContent = text;
  byId("waiting").hidden = !more;
  byId("waiting").textContent = more;
  byId("waiting").classList.toggle("bad", kind === "bad");
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
  keyed = true;
  start();
});
document.addEventListener("key-needed", () => {
  byId("key").hidden = false;
  byId("key-wrong").hidden = !api.hasKey();
  byId("key-value").focus();
});

// A request got no answer, or 503: the state says so until the server is ready again, maybe with other models.
document.addEventListener("server-gone", async (event) => {
  if (gone || !state.model) return;
  gone = true;
  said("bad", event.detail);
  do await new Promise((done) => setTimeout(done, AGAIN)); while (!(await api.ready()));
  start();
});

byId("model").addEventListener("change", async (event) => {
  state.model = event.target.value;
  open(current());
});

async function start() {
  try {
    state.models = await api.models();
    for (const name of state.models) state.infos[name] = await api.info(name);
  } catch (error) {
    if (error.status === 401) { said("bad", "locked"); return; }
    if (error.status === 503) said("", "starting", `The page comes when the server is ready: ${error.message}.`);
    else said("bad", "not connected", error.message);
    setTimeout(start, AGAIN);
    return;
  }
  if (!state.models.includes(state.model)) state.model = state.models[0];
  fill(byId("model"), state.models.map((each) => el("option", { value: each }, each)));
  byId("model").value = state.model;
  byId("pick").hidden = state.models.length < 2;
  gone = false;
  said("ready", state.models.length < 2 ? state.model : "ready");
  open(current());
  if (keyed) (byId(`view-${current()}`).querySelector("textarea") ?? byId(`tab-${current()}`)).focus();
  keyed = false;
}

const named = () => (Object.hasOwn(views, location.hash.slice(1)) ? location.hash.slice(1) : "analyse");
addEventListener("hashchange", () => { if (location.hash !== "#main") open(named()); });
tips(document);
open(named());
start();
