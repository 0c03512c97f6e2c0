// What every part of the page is handed: where the server is, who speaks to it, and a voice for those who do not see the page.

export function page(root) {
  const said = document.getElementById("said");
  const token = document.querySelector("#form [name=csrfmiddlewaretoken]").value;
  const send = (method) => (url, body) =>
    fetch(url, { method, headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(body), signal: AbortSignal.timeout(15000) });
  return {
    token,
    feedback: root.dataset.feedback === "yes",
    propose: root.dataset.propose === "yes",
    suggest: root.dataset.suggest || null,
    address: (conversation) => `${root.dataset.page}${conversation ? `${conversation}/` : ""}`,
    api: (path) => `${root.dataset.api}/${path}`,
    post: send("POST"),
    patch: send("PATCH"),
    ask: () => {},
    /** Said twice the same it would not be heard twice. */
    say(words) {
      said.textContent = said.textContent === words ? `${words}\u00a0` : words;
    },
  };
}
