// The conversation: what was said, and an answer as it comes.
import { ask, events } from "./api.js";

const element = (id) => document.getElementById(id);
const talk = element("talk"), question = element("question"), send = element("send"), stop = element("stop");
let said = []; // {role, content} as the API has them
let answering = null; // the AbortController of the answer that comes

function make(tag, name, parent, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

const atEnd = () => talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;

// Text as it is; what stands between two ``` is a program.
function showText(at, text) {
  at.replaceChildren(
    ...text.split("```").map((part, i) => {
      if (i % 2 === 0) return document.createTextNode(part);
      const program = document.createElement("pre");
      program.textContent = part.replace(/^[\w+#.-]*\n/, "");
      return program;
    }),
  );
}

// An answer on the page: thoughts, text, figures. It is drawn at most once a frame.
class Answer {
  thoughts = "";
  text = "";
  begun = performance.now();
  first = null;
  drawn = true;

  constructor() {
    this.at = make("div", "answer", talk);
  }

  take(delta) {
    this.first ??= performance.now();
    this.thoughts += delta.reasoning ?? "";
    this.text += delta.content ?? "";
    if (!this.drawn) return;
    this.drawn = false;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    const follows = atEnd();
    this.drawn = true;
    if (this.thoughts) this.drawThoughts();
    if (this.text) showText((this.content ??= make("div", "text", this.at)), this.text);
    if (follows) talk.scrollTop = talk.scrollHeight;
  }

  // They are open until the answer itself begins, and then as the reader wants.
  drawThoughts() {
    if (!this.fold) {
      this.fold = make("details", "thoughts", this.at);
      make("summary", "", this.fold, "Thoughts");
      this.inner = make("div", "", this.fold);
      this.fold.open = true;
    }
    this.inner.textContent = this.thoughts;
    if (this.text && !this.content) this.fold.open = false;
  }

  end(usage, why) {
    this.draw();
    const seconds = (performance.now() - this.begun) / 1000;
    const parts = [];
    if (usage) parts.push(`${usage.prompt_tokens} tokens in, ${usage.completion_tokens} out`);
    if (this.first) parts.push(`first after ${Math.round(this.first - this.begun)} ms`);
    if (usage) parts.push(`${(usage.completion_tokens / seconds).toFixed(0)} tokens/s in all`);
    parts.push(why);
    make("p", "counts", this.at, parts.join(" · "));
    talk.scrollTop = talk.scrollHeight;
  }
}

function request(model) {
  const system = element("system").value.trim();
  return {
    model,
    messages: [...(system ? [{ role: "system", content: system }] : []), ...said],
    stream: true,
    stream_options: { include_usage: true },
    ...(element("temperature").value && { temperature: Number(element("temperature").value) }),
    ...(element("most").value && { max_completion_tokens: Number(element("most").value) }),
  };
}

async function receive(model, answer) {
  const reply = await ask("v1/chat/completions", {
    method: "POST", body: JSON.stringify(request(model)), signal: answering.signal,
  });
  let usage = null, why = "";
  for await (const event of events(reply)) {
    if (event.error) throw new Error(event.error.message);
    usage = event.usage ?? usage;
    const choice = event.choices[0];
    if (choice) answer.take(choice.delta);
    why = choice?.finish_reason ?? why;
  }
  answer.end(usage, { stop: "complete", length: "cut: no room for more" }[why] ?? why);
}

async function converse(model, text) {
  const mine = said; // "Clear" begins another, which has nothing of this
  const answer = new Answer();
  answering = new AbortController();
  send.hidden = true;
  stop.hidden = false;
  try {
    await receive(model, answer);
  } catch (error) {
    answer.draw();
    if (error.name === "AbortError") answer.end(null, "stopped");
    else make("p", "problem", answer.at, error.message).setAttribute("role", "alert");
  }
  answering = null;
  send.hidden = false;
  stop.hidden = true;
  if (said !== mine) return;
  if (answer.text || answer.thoughts) said.push({ role: "assistant", content: answer.text });
  else {
    said.pop(); // it was not asked: it can be put in another way
    question.value ||= text;
  }
  fit();
}

function submit(model) {
  const text = question.value.trim();
  if (!text || answering) return;
  element("empty").hidden = true;
  said.push({ role: "user", content: text });
  make("div", "asked", talk, text);
  talk.scrollTop = talk.scrollHeight;
  question.value = "";
  fit();
  converse(model, text);
}

function clear() {
  answering?.abort();
  said = [];
  talk.replaceChildren(element("empty"));
  element("empty").hidden = false;
  question.focus();
}

// The field is as high as what is in it, and takes its room from what was said first.
function fit() {
  const follows = atEnd();
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight + 2}px`;
  if (follows) talk.scrollTop = talk.scrollHeight;
}

export function startChat(model) {
  element("ask").onsubmit = (event) => {
    event.preventDefault();
    submit(model);
  };
  question.oninput = fit;
  question.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit(model);
  };
  element("chat").onkeydown = (event) => {
    if (event.key === "Escape") answering?.abort();
  };
  stop.onclick = () => {
    answering?.abort();
    question.focus();
  };
  element("clear").onclick = clear;
}
