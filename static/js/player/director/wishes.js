// What a viewer may say to the Director: play the film as edited, or: something is wrong.

const THANKS = {
  ads: "About the ads. It counts in what we measure.",
  order: "About the order of the scenes. To see the film as its author edited it, switch on “Play as edited”.",
  picture: "About picture or sound. It counts in what we measure.",
  other: "It counts in what we measure.",
};

export class Wishes {
  /** @param {HTMLElement} root @param {object} act {direct(asEdited) -> boolean, complain(about), toast(title, words)} */
  constructor(root, act) {
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.act = act;
    this.asEdited = false;
    this.wanted = null;
    this.part("as-edited").addEventListener("click", () => this.toggle());
    this.part("wrong-toggle").addEventListener("click", () => this.ask());
    this.part("wrong").addEventListener("submit", (event) => this.complain(event));
  }

  toggle() {
    const wanted = !(this.wanted ?? this.asEdited);
    if (!this.act.direct(wanted)) return;
    this.wanted = wanted;
    this.draw();
  }

  /** The server's word. What the viewer wants and the server has not heard of yet is not taken back by an older timeline. */
  adopt(asEdited) {
    const changed = asEdited !== this.asEdited;
    this.asEdited = asEdited;
    if (this.wanted === asEdited) {
      this.wanted = null;
      if (changed) this.tell();
    }
    this.draw();
  }

  /** The server does not know the wish, or cannot grant it. */
  refused() {
    this.wanted = null;
    this.draw();
  }

  tell() {
    if (this.asEdited) this.act.toast("Playing as edited", "From the next scene that is not loaded yet, the film plays as its author edited it.");
    else this.act.toast("Directed again", "The Director may change what comes, within what the editors allow.");
  }

  draw() {
    const button = this.part("as-edited");
    button.setAttribute("aria-checked", String(this.wanted ?? this.asEdited));
    button.setAttribute("aria-busy", String(this.wanted !== null));
  }

  ask(open = this.part("wrong").hidden) {
    this.part("wrong").hidden = !open;
    this.part("wrong-toggle").setAttribute("aria-expanded", String(open));
    if (open) this.part("wrong").querySelector("button").focus();
  }

  /** -> whether it was open */
  close() {
    if (this.part("wrong").hidden) return false;
    this.ask(false);
    this.part("wrong-toggle").focus();
    return true;
  }

  complain(event) {
    event.preventDefault();
    const about = event.submitter.value;
    this.act.complain(about);
    this.close();
    this.act.toast("Thank you, noted", THANKS[about]);
  }
}
