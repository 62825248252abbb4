// Live figures: /metrics, read once a second while the page is seen, as cards and plots.
import { ask } from "./api.js";
import { Plot, short } from "./plot.js";
import { readRequests } from "./requests.js";

const MINUTES = 5; // of samples, one a second, that are kept
const RECENT = 10, MINUTE = 60;
const state = document.getElementById("state"), figures = document.getElementById("figures");
const samples = [];

// ---- reading ----

// {name: value} and {name: [[bound, how many are not above it], ...]} of Prometheus' text.
export function parseMetrics(text) {
  const values = {}, histograms = {};
  for (const line of text.split("\n")) {
    const [, name, labels, value] = /^vllm:(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (!name) continue;
    const bound = /\ble="([^"]*)"/.exec(labels ?? "")?.[1];
    if (bound === undefined) values[name] = (values[name] ?? 0) + Number(value);
    else (histograms[name.replace(/_bucket$/, "")] ??= []).push([bound === "+Inf" ? Infinity : Number(bound), Number(value)]);
  }
  return { at: performance.now() / 1000, values, histograms };
}

// The sample of `seconds` ago, or the oldest.
const before = (seconds, last = samples.length - 1) => samples[Math.max(last - seconds, 0)];

function perSecond(name, from, to) {
  const seconds = to.at - from.at;
  return seconds > 0 ? (to.values[name] - from.values[name]) / seconds : null;
}

// Below which a share of what came between two samples is, in milliseconds; null: nothing came.
export function quantile(name, share, from, to) {
  const counts = to.histograms[name].map(([bound, n], i) => [bound, n - from.histograms[name][i][1]]);
  const wanted = share * counts.at(-1)[1];
  if (wanted === 0) return null;
  const i = counts.findIndex(([, n]) => n >= wanted);
  const [low, below] = i > 0 ? counts[i - 1] : [0, 0];
  const [high, upTo] = counts[i];
  if (high === Infinity) return 1000 * low;
  return 1000 * (low + ((high - low) * (wanted - below)) / (upTo - below));
}

// ---- what is shown ----

const now = (name) => samples.at(-1).values[name];
const rate = (name) => perSecond(name, before(RECENT), samples.at(-1));
const typical = (name, share) => quantile(name, share, before(MINUTE), samples.at(-1));
const percent = (part, whole) => (whole > 0 ? (100 * part) / whole : null);

const cards = [
  ["answers running", "", () => now("num_requests_running")],
  ["answers waiting", "", () => now("num_requests_waiting")],
  ["of the cache in use", "%", () => 100 * now("kv_cache_usage_perc")],
  ["of prompts found in it", "%", () => percent(now("prefix_cache_hits_total"), now("prefix_cache_queries_total"))],
  ["tokens/s drawn", "", () => rate("generation_tokens_total")],
  ["tokens/s of prompts", "", () => rate("prompt_tokens_total")],
  ["to the first token, median", "ms", () => typical("time_to_first_token_seconds", 0.5)],
  ["per token, median", "ms", () => typical("inter_token_latency_seconds", 0.5)],
];

// A value for each sample, by what it is and what was some seconds before.
const each = (f, seconds = 1) => samples.map((sample, i) => (i === 0 ? null : f(before(seconds, i), sample)));
const eachRate = (name) => each((from, to) => perSecond(name, from, to), 3);
const eachTime = (name, share) => each((from, to) => quantile(name, share, from, to), RECENT);

const plots = [
  ["Tokens drawn", "tokens/s", ["drawn"], () => [eachRate("generation_tokens_total")]],
  ["Tokens of prompts", "tokens/s", ["all", "cached"],
    () => [eachRate("prompt_tokens_total"), eachRate("prompt_tokens_cached_total")]],
  ["Requests", "", ["running", "waiting"],
    () => [each((_, to) => to.values.num_requests_running), each((_, to) => to.values.num_requests_waiting)]],
  ["Time per token", "ms", ["median", "99th percentile"],
    () => [eachTime("inter_token_latency_seconds", 0.5), eachTime("inter_token_latency_seconds", 0.99)]],
  ["Time to the first token", "ms", ["median", "99th percentile"],
    () => [eachTime("time_to_first_token_seconds", 0.5), eachTime("time_to_first_token_seconds", 0.99)]],
  ["Cache in use", "%", ["pages"], () => [each((_, to) => 100 * to.values.kv_cache_usage_perc)], 100],
];

function makeCard([what]) {
  const at = document.createElement("div");
  at.className = "card";
  const value = document.createElement("b"), name = document.createElement("span");
  name.textContent = what;
  at.append(value, name);
  document.getElementById("cards").append(at);
  return value;
}

function draw(shownCards, shownPlots) {
  cards.forEach(([, unit, value], i) => {
    const text = short(value());
    shownCards[i].textContent = unit && text !== "–" ? `${text} ${unit}` : text;
  });
  const minutes = Math.ceil(samples.length / MINUTE);
  plots.forEach(([, , , values], i) => shownPlots[i].draw(values(), minutes));
}

// ---- reading on ----

async function read() {
  samples.push(parseMetrics(await (await ask("metrics")).text()));
  if (samples.length > MINUTES * MINUTE) samples.shift();
  const running = now("num_requests_running");
  state.textContent = running ? `${running} running` : "idle";
  state.className = "";
}

export function showLost(error) {
  state.textContent = `no connection: ${error.message}`;
  state.className = "bad";
}

export function startFigures() {
  const shownCards = cards.map(makeCard);
  const shownPlots = plots.map(([title, unit, names, , most]) =>
    new Plot(document.getElementById("plots"), title, unit, names, most));
  const tick = async () => {
    try {
      if (!document.hidden) await read();
      if (samples.length && !figures.hidden) draw(shownCards, shownPlots);
      if (!document.hidden && !figures.hidden) await readRequests();
    } catch (error) {
      showLost(error);
    }
    setTimeout(tick, 1000);
  };
  tick();
  addEventListener("hashchange", () => samples.length && draw(shownCards, shownPlots));
}
