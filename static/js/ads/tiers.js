// The flight form shows the fields that its tier has: a share of voice for sponsorships, no price and no goal for house flights.
const SOLD = ["pricing", "bid_micros", "goal_type", "goal_amount", "daily_goal_amount", "budget_micros", "daily_budget_micros"];
const WITHOUT = {
  sponsorship: [],
  standard: ["share_of_voice"],
  price_priority: ["share_of_voice"],
  house: ["share_of_voice", ...SOLD],
};

function show(tier) {
  const absent = WITHOUT[tier] || [];
  for (const name of ["share_of_voice", ...SOLD]) {
    for (const line of document.querySelectorAll(`#flight_form .field-${name}`)) line.classList.toggle("is-absent", absent.includes(name));
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const tier = document.getElementById("id_tier");
  if (!tier) return;
  tier.addEventListener("change", () => show(tier.value));
  show(tier.value);
});
