// What this page asks of Braid: the public API, and two lists of its own for choosing from.

const KEY = "braid-key";

/** The key that goes with every question; kept for this tab alone. */
export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY)),
};

/** What the server refused (RFC 9457), or that it could not be reached. */
export class Fault extends Error {
  constructor(status, title, detail, path) {
    super(detail);
    Object.assign(this, { status, title, path });
  }
}

async function fetched(path, options = {}) {
  const headers = { ...options.headers };
  if (key.get()) headers.authorization = `Bearer ${key.get()}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Fault(0, "Braid does not answer.", "Is it still running?");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  if (response.status === 401) window.dispatchEvent(new CustomEvent("braid-key-wanted", { detail: key.get() ? told.detail : "" }));
  throw new Fault(response.status, `${told.title ?? response.statusText}.`, told.detail ?? `status ${response.status}`, told.path);
}

const get = async (path) => (await fetched(path)).json();

/** Send JSON; the answer has `timing`, the stages of `Server-Timing` in milliseconds. */
export async function post(path, body, signal) {
  const response = await fetched(path, {
    method: "POST", signal, body: JSON.stringify(body), headers: { "content-type": "application/json" },
  });
  return { ...(await response.json()), timing: timings(response.headers.get("server-timing") ?? "") };
}

function timings(header) {
  return Object.fromEntries(header.split(",").filter(Boolean).map((part) => {
    const [name, ...rest] = part.trim().split(";");
    return [name, Number(rest.find((one) => one.startsWith("dur="))?.slice(4))];
  }));
}

export const recommend = (body, signal) => post("/v1/recommendations", body, signal);
export const replay = (body, signal) => post("/v1/replay", body, signal);
export const models = () => get("/v1/models");
export const activate = (version) => post("/v1/models/activate", { version });
export const rollBack = () => post("/v1/models/rollback", {});
export const requests = (order) => get(`/v1/requests?order=${order}&limit=60`);
export const request = (id) => get(`/v1/requests/${encodeURIComponent(id)}`);
export const choices = () => get("/console/choices");
export const itemsLike = (words) => get(`/console/items?like=${encodeURIComponent(words)}`);
export const metrics = async () => (await fetched("/metrics")).text();

/** Whether it is ready; a process that is not says so with status 503, which is no fault here. */
export async function ready() {
  try {
    return await (await fetch("/health/ready")).json();
  } catch {
    return null;
  }
}
