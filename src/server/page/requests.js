// The requests that run or wait: /requests, as a table. Its rows stay while their requests do, so that a button
// is still the same one's when it is pressed.
import { ask } from "./api.js";
import { short } from "./plot.js";

const MOST = 100; // rows
const body = document.getElementById("requests"), note = document.getElementById("requests-note");
const rows = new Map();

const seconds = (value) => (value == null ? "–" : value < 1 ? `${Math.round(1000 * value)} ms` : `${short(value)} s`);
const begun = (each, value) => (each.queue_time == null ? "–" : value);

const columns = [
  (each) => each.state,
  (each) => (each.n > 1 ? `${each.kind} × ${each.n}` : each.kind),
  (each) => each.id,
  (each) => begun(each, each.prompt_tokens),
  (each) => (each.time_to_first_token == null ? "–" : each.cached_tokens),
  (each) => begun(each, each.completion_tokens),
  (each) => seconds(each.age),
  (each) => seconds(each.time_to_first_token),
];

async function cancel(button, id) {
  if (!confirm(`Cancel the request ${id}? Who made it is told so.`)) return;
  button.disabled = true;
  try {
    await ask(`requests/${encodeURIComponent(id)}`, { method: "DELETE" });
  } catch (error) {
    note.textContent = error.message; // it has just ended by itself
  }
}

function makeRow(id) {
  const row = body.insertRow();
  for (const _ of columns) row.insertCell();
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Cancel";
  button.setAttribute("aria-label", `Cancel ${id}`);
  button.onclick = () => cancel(button, id);
  row.insertCell().append(button);
  return row;
}

function show(all) {
  const seen = new Set();
  for (const each of all.slice(0, MOST)) {
    let key = each.id; // which clients may have given to several
    while (seen.has(key)) key += " ";
    seen.add(key);
    if (!rows.has(key)) rows.set(key, makeRow(each.id));
    columns.forEach((text, i) => (rows.get(key).cells[i].textContent = text(each)));
  }
  for (const [key, row] of rows)
    if (!seen.has(key)) {
      row.remove();
      rows.delete(key);
    }
  note.textContent = all.length > MOST ? `And ${all.length - MOST} more.` : all.length ? "" : "Nothing runs or waits.";
}

export async function readRequests() {
  show((await (await ask("requests")).json()).data);
}
