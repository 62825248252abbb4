// The plan of the model that is served: the page that `infuse explain --html` writes, shown within this one. The
// server's policy allows no styles in texts, so those of that page are given to the browser as objects.
import { ask } from "./api.js";

const state = document.getElementById("plan-state");
let shown = false;

// Styles that were written for a page are to hold for one element of ours.
function sheetOf(styles) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles.replaceAll(":root{", ":host{").replaceAll("body{margin:0 auto;padding:16px;", "main{"));
  return sheet;
}

function insert(text) {
  const [head, body] = text.split("</style>");
  const page = new DOMParser().parseFromString(body.replaceAll(' style="', ' data-style="'), "text/html");
  const main = document.createElement("main");
  const root = document.getElementById("plan-page").attachShadow({ mode: "open" });
  main.append(...page.body.children);
  for (const each of main.querySelectorAll("[data-style]")) each.style.cssText = each.dataset.style;
  root.adoptedStyleSheets = [sheetOf(head.split("<style>")[1])];
  root.append(main);
}

export async function showPlan() {
  if (shown) return;
  shown = true;
  try {
    insert(await (await ask("plan")).text());
    state.hidden = true;
  } catch (error) {
    state.textContent = error.message;
    shown = false;
  }
}
