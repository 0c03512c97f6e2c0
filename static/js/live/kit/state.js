// What the page shows, in its URL: shareable, and the back button goes back.

/** The values of ``search``, for each name of ``defaults``. */
export function read(search, defaults) {
  const given = new URLSearchParams(search);
  return Object.fromEntries(Object.entries(defaults).map(([name, usual]) => [name, given.get(name) || usual]));
}

/** ``search`` with ``values`` in it; what is as usual is left out, what belongs to others stays. */
export function written(search, values, defaults) {
  const params = new URLSearchParams(search);
  for (const [name, usual] of Object.entries(defaults)) {
    if (values[name] && values[name] !== usual) params.set(name, values[name]);
    else params.delete(name);
  }
  const text = params.toString();
  return text ? `?${text}` : "";
}

/** The name of a stream: ``stream("trend", {range: "24h", title: ""})`` is ``trend?range=24h``. */
export function stream(kind, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(given.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
  return query ? `${kind}?${query}` : kind;
}

/** ``{get(), set(changes), on(changed), bind(form)}`` over the names of ``defaults`` (texts). ``on`` is called with all values after each
 *  change and each step back; ``bind`` keeps the form's controls of these names and the URL the same. */
export function urlState(defaults) {
  const told = [];
  const get = () => read(location.search, defaults);
  const tell = () => told.forEach((changed) => changed(get()));

  function set(changes) {
    const search = written(location.search, { ...get(), ...changes }, defaults);
    if (search === location.search) return;
    history.pushState(null, "", `${location.pathname}${search}${location.hash}`);
    tell();
  }

  function fill(form) {
    for (const [name, value] of Object.entries(get())) {
      const control = form.elements.namedItem(name);
      if (control && control.value !== value) control.value = value;
    }
  }

  function bind(form) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", ({ target }) => target.name in defaults && set({ [target.name]: target.value }));
    // Before all others, also those that asked earlier: what they tell may be read from the controls.
    told.unshift(() => fill(form));
    fill(form);
  }

  addEventListener("popstate", tell);
  return { get, set, bind, on: (changed) => told.push(changed) };
}
