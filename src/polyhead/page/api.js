// The server's routes, and the key where it asks for one.

const KEY = "polyhead-key";

export class Refused extends Error {
  constructor(status, message, after) {
    super(message);
    this.status = status;
    this.after = after;
  }
}

export const setKey = (key) => sessionStorage.setItem(KEY, key);

export const hasKey = () => Boolean(sessionStorage.getItem(KEY));

async function ask(path, options = {}) {
  const answer = await send(path, options);
  return answer.json();
}

async function send(path, options) {
  const key = sessionStorage.getItem(KEY);
  let answer;
  try {
    const headers = new Headers({ "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) });
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (key && !/^[\x20-\x7e]*$/.test(key)) { document.dispatchEvent(new CustomEvent("key-needed")); throw new Refused(401, "A key has none but ASCII characters."); }
    document.dispatchEvent(new CustomEvent("server-gone", { detail: "not connected" }));
    throw new Refused(0, "The server does not answer. Is it running?");
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 503) document.dispatchEvent(new CustomEvent("server-gone", { detail: "not ready" }));
  if (answer.status === 401) document.dispatchEvent(new CustomEvent("key-needed"));
  throw new Refused(answer.status, body.error?.message ?? body.error ?? `The server answered ${answer.status}.`, Number(answer.headers.get("Retry-After")));
}

export const get = (path) => ask(path);

const post = (path, body, signal) => ask(path, { method: "POST", body: JSON.stringify(body), signal });

export const ready = () => fetch("/ready").then((answer) => answer.ok, () => false);

export const models = async () => (await get("/v1/models")).data.map((each) => each.id);

export const info = (model) => get(`/models/${encodeURIComponent(model)}/info`);

export const history = (model) => get(`/models/${encodeURIComponent(model)}/history`);

export const analyse = (model, inputs, tasks, signal, more = {}) =>
  post("/v1/analyze", { model, inputs, tasks, overflow: "truncate", ...more }, signal);

// Long work: when the server is busy it waits as long as it is told, and asks again.
export async function patiently(work, signal) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refused && [429, 503].includes(error.status) && error.after)) throw error;
      signal.throwIfAborted();
      await new Promise((done, failed) => {
        const timer = setTimeout(done, 1000 * error.after);
        signal.addEventListener("abort", () => { clearTimeout(timer); failed(signal.reason); }, { once: true });
      });
    }
  }
}

export const tokens = async (model, text, signal) =>
  (await post(`/models/${encodeURIComponent(model)}/tokenize`, { inputs: text }, signal))[0];

export const parquet = async (rows) => (await send("/page/parquet", { method: "POST", body: JSON.stringify({ rows }) })).blob();
