// Another film, offered at the edge of the picture. It can be taken, turned down, or left alone.

export class Suggestion {
  /** @param {HTMLElement} root @param {(answer: object) => void} answered told {decision, title, taken} */
  constructor(root, answered) {
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.answered = answered;
    this.offer = null;
    this.part("suggestion-close").addEventListener("click", () => this.dismiss());
    this.part("suggestion-link").addEventListener("click", () => this.answer(true));
  }

  get shown() {
    return !this.part("suggestion").hidden;
  }

  /** @param {object} message a decision {id, reason, title: {slug, name, card?}} */
  show({ id, reason, title }) {
    if (!title?.slug) return;
    this.offer = { decision: id ?? null, title: title.id };
    const link = this.part("suggestion-link");
    link.href = `/watch/${encodeURIComponent(title.slug)}/${id ? `?came_from=${encodeURIComponent(id)}` : ""}`;
    this.part("suggestion-name").textContent = title.name ?? title.slug;
    this.part("suggestion-reason").textContent = reason ?? "";
    const picture = this.part("suggestion-card");
    picture.hidden = !title.card;
    if (title.card) picture.src = title.card;
    this.part("suggestion").hidden = false;
  }

  dismiss() {
    if (!this.shown) return false;
    this.answer(false);
    this.hide();
    return true;
  }

  /** Nobody said anything, and the moment is over. */
  hide() {
    this.part("suggestion").hidden = true;
    this.offer = null;
  }

  answer(taken) {
    if (this.offer) this.answered({ ...this.offer, taken });
  }
}
