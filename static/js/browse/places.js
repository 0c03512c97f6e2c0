// Countries by their names; the page itself lists codes, which every browser can name in the reader's language.

/** @param {HTMLSelectElement|null} select whose options hold ISO 3166-1 codes */
export function nameCountries(select) {
  if (!select || !Intl.DisplayNames) return;
  const names = new Intl.DisplayNames([navigator.language || "en", "en"], { type: "region" });
  const [unsaid, ...countries] = select.options;
  for (const option of countries) option.textContent = names.of(option.value) ?? option.value;
  countries.sort((one, other) => one.textContent.localeCompare(other.textContent));
  const chosen = select.value;
  select.replaceChildren(unsaid, ...countries);
  select.value = chosen;
}
