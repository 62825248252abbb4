// What the page asks its server, with the key when one is wanted. The key stays in this tab.

const dialog = document.getElementById("key-dialog");
const field = document.getElementById("key");
const text = document.getElementById("key-text");
let asking = null; // the answer to an open dialog, for all who wait for it

function askForKey() {
  if (asking) return asking;
  if (sessionStorage.getItem("key")) text.textContent = "This key is not the server's. Another one?";
  asking = new Promise((done) => {
    dialog.onclose = () => {
      sessionStorage.setItem("key", field.value.trim());
      field.value = "";
      asking = null;
      done();
    };
  });
  dialog.oncancel = (event) => event.preventDefault(); // without a key there is nothing to see
  dialog.showModal();
  return asking;
}

// fetch of a path of this server. An answer that is none is an Error with the server's words.
export async function ask(path, options = {}) {
  for (;;) {
    const key = sessionStorage.getItem("key");
    const headers = { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) };
    const answer = await fetch(path, { ...options, headers, cache: "no-store" });
    if (answer.ok) return answer;
    if (answer.status !== 401) throw new Error(await whatIsWrong(answer));
    if (key === sessionStorage.getItem("key")) await askForKey(); // else another call has a new one
  }
}

async function whatIsWrong(answer) {
  const body = await answer.text();
  try {
    return JSON.parse(body).error.message;
  } catch {
    return `status ${answer.status}`;
  }
}

// The data of a stream's events, parsed, as they come.
export async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}
