// The page: tabs, colours, the key; each view is made when it is first looked at.

import { choices as ask, key, ready } from "./api.js";
import { makeAsk } from "./ask.js";
import { problem } from "./dom.js";
import { makeLive } from "./live.js";
import { makeModels } from "./models.js";
import { makeRequests } from "./requests.js";

const tabs = [...document.querySelectorAll('[role="tab"]')];
const views = {};
const panel = (name) => document.getElementById(`view-${name}`);
let choices = null;

async function begin() {
  for (const tab of tabs) panel(tab.id.slice(4)).replaceChildren();
  for (const name of Object.keys(views)) { views[name]?.hide?.(); delete views[name]; }
  try {
    choices = await ask();
    show(location.hash.slice(1) || "ask");
  } catch (fault) {
    choices = null;
    panel(current()).replaceChildren(problem(fault));
  }
}

function current() {
  return tabs.find((tab) => tab.getAttribute("aria-selected") === "true").id.slice(4);
}

function make(name) {
  if (name === "ask") { makeAsk(panel(name), choices); return {}; }
  if (name === "live") return makeLive(panel(name), openRequest);
  if (name === "requests") return makeRequests(panel(name), choices);
  return makeModels(panel(name));
}

function show(wanted) {
  const name = tabs.some((tab) => tab.id === `tab-${wanted}`) ? wanted : "ask";
  views[current()]?.hide?.();
  for (const tab of tabs) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    panel(tab.id.slice(4)).hidden = !chosen;
  }
  if (location.hash.slice(1) !== name) history.replaceState(null, "", `#${name}`);
  if (!choices) return;
  views[name] ??= make(name);
  views[name].show?.();
}

function openRequest(id) {
  show("requests");
  views.requests.open(id);
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => show(tab.id.slice(4)));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -index, End: tabs.length - 1 - index }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = tabs[(index + step + tabs.length) % tabs.length];
    next.focus();
    show(next.id.slice(4));
  });
}
window.addEventListener("hashchange", () => show(location.hash.slice(1)));

const COLOURS = ["auto", "light", "dark"];
const theme = document.getElementById("theme");
function paint(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  theme.textContent = name[0].toUpperCase() + name.slice(1);
  theme.setAttribute("aria-label", `Colours: ${name}`);
  localStorage.setItem("braid-colours", name);
}
theme.addEventListener("click", () => paint(COLOURS[(COLOURS.indexOf(theme.textContent.toLowerCase()) + 1) % COLOURS.length]));
paint(localStorage.getItem("braid-colours") ?? "auto");

const dialog = document.getElementById("key-dialog");
const keyButton = document.getElementById("key");
const keyTold = document.getElementById("key-told");
let asked = false; // once for each key: views that ask each second would open it again and again
function sayKey() {
  keyButton.textContent = key.get() ? "Key ✓" : "Key";
  keyButton.setAttribute("aria-label", key.get() ? "Key: one is used" : "Key: none is used");
}
function askKey(words) {
  keyTold.textContent = words;
  dialog.returnValue = ""; // Escape leaves what was said the last time
  dialog.showModal();
}
keyButton.addEventListener("click", () => askKey(""));
// Enter uses the key: what only closes is no submit button.
for (const button of dialog.querySelectorAll("[type='button']")) button.addEventListener("click", () => dialog.close(button.value));
window.addEventListener("braid-key-wanted", ({ detail }) => {
  if (asked || dialog.open) return;
  asked = true;
  askKey(detail ? `The key was refused: ${detail}` : "");
});
dialog.addEventListener("close", () => {
  const text = document.getElementById("key-text");
  if (dialog.returnValue === "use") key.set(text.value.trim());
  if (dialog.returnValue === "forget") key.set("");
  text.value = "";
  if (!["use", "forget"].includes(dialog.returnValue)) return;
  asked = dialog.returnValue === "forget"; // who forgets one wants to give none now
  sayKey();
  begin();
});

async function sayHealth() {
  const health = document.getElementById("health");
  const state = await ready();
  const [words, kind] = !state ? ["no answer", "bad"] : state.ready ? ["ready", "good"] : state.draining ? ["draining", "warn"] : ["no store", "warn"];
  if (health.textContent !== words) health.textContent = words;
  health.className = `health ${kind}`;
  setTimeout(sayHealth, 2000);
}

sayKey();
begin();
sayHealth();
