// Browse, title and profile pages. Everything works without this file; it adds comfort.
import { paintTitles } from "./colours.js";
import { nameCountries } from "./places.js";
import { enhanceRows } from "./rows.js";
import { enhanceSearch } from "./search.js";
import { enhanceDetail, enhanceStars } from "./detail.js";
import { watchPreparation } from "./readiness.js";

paintTitles(document);
enhanceRows(document);
enhanceSearch(document.querySelector("form.search"));
enhanceDetail(document.getElementById("detail"));
enhanceStars(document);
nameCountries(document.getElementById("id_country"));
watchPreparation();
