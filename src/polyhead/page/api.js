// The server's routes, and the key where it asks for one.

const KEY = "polyhead-key";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const setKey = (key) => sessionStorage.setItem(KEY, key);

async function ask(path, options = {}) {
  const answer = await send(path, options);
  return answer.json();
}

async function send(path, options) {
  const key = sessionStorage.getItem(KEY);
  const headers = { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The server does not answer. Is it running?");
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) document.dispatchEvent(new CustomEvent("key-needed"));
  throw new Refused(answer.status, body.error?.message ?? body.error ?? `The server answered ${answer.status}.`);
}

export const get = (path) => ask(path);

const post = (path, body, signal) => ask(path, { method: "POST", body: JSON.stringify(body), signal });

export const models = async () => (await get("/v1/models")).data.map((each) => each.id);

export const info = (model) => get(`/models/${encodeURIComponent(model)}/info`);

export const history = (model) => get(`/models/${encodeURIComponent(model)}/history`);

export const analyse = (model, inputs, tasks, signal) =>
  post("/v1/analyze", { model, inputs, tasks, overflow: "truncate" }, signal);

export const tokens = async (model, text, signal) =>
  (await post(`/models/${encodeURIComponent(model)}/tokenize`, { inputs: text }, signal))[0];

export const parquet = async (rows) => (await send("/page/parquet", { method: "POST", body: JSON.stringify({ rows }) })).blob();
