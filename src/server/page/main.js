// The views, and which of them is seen: the one that the address names behind '#'.
import { ask } from "./api.js";
import { startChat } from "./chat.js";
import { showLost, startFigures } from "./figures.js";
import { showPlan } from "./plan.js";

const tabs = [...document.querySelectorAll("[role=tab]")];

function show(tab) {
  for (const each of tabs) {
    const seen = each === tab;
    each.setAttribute("aria-selected", seen);
    each.tabIndex = seen ? 0 : -1;
    document.getElementById(each.getAttribute("aria-controls")).hidden = !seen;
  }
  if (tab.id === "plan-tab") showPlan();
  if (tab.id === "chat-tab") document.getElementById("question").focus();
}

function showNamed() {
  const name = location.hash.slice(1);
  show(tabs.find((tab) => tab.getAttribute("aria-controls") === name) ?? tabs[0]);
}

for (const tab of tabs) tab.onclick = () => (location.hash = tab.getAttribute("aria-controls"));
document.getElementById("tabs").onkeydown = (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.click();
  requestAnimationFrame(() => next.focus());
};
addEventListener("hashchange", showNamed);
showNamed();

// The name of what is served; asked for until the server tells it.
async function findModel() {
  for (;;) {
    try {
      return (await (await ask("v1/models")).json()).data[0].id;
    } catch (error) {
      showLost(error);
    }
    await new Promise((done) => setTimeout(done, 1000));
  }
}

const model = await findModel();
document.getElementById("model").textContent = model;
document.title = `${model} – infuse`;
startChat(model);
startFigures();
