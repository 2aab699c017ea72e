"""How the page of the features looks, and the few lines of script that filter it."""

from __future__ import annotations

STYLE = """
main { max-width: 64rem; }
html { scroll-padding-top: 7rem; }
.controls { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.controls { padding: .7rem 1rem; }
.controls input { flex: 1 1 12rem; font: inherit; padding: .35rem .6rem; border: 1px solid var(--line); }
.controls input { border-radius: .4rem; background: var(--ground); color: var(--ink); min-width: 0; }
.controls button { font: inherit; font-size: .9rem; padding: .35rem .7rem; border: 1px solid var(--line); }
.controls button { border-radius: 1rem; background: none; color: var(--ink); cursor: pointer; }
.controls button[aria-pressed=true] { background: var(--accent); border-color: var(--accent); color: var(--card); }
.controls output { flex-basis: 100%; color: var(--soft); font-size: .85rem; }
nav ul { list-style: none; margin: 0 0 .8rem; padding: 0; columns: 22rem; column-gap: 2rem; }
nav li { break-inside: avoid; padding: .12rem 0 .12rem 1.4rem; text-indent: -1.4rem; font-size: .92rem; }
nav h3 { font-size: 1rem; margin: .6rem 0 .2rem; }
nav h3 small { color: var(--soft); font-weight: 400; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }
a:hover { text-decoration-color: currentColor; }
h2.epic { font-size: 1.35rem; margin: 2.2rem 0 .8rem; }
section.feature { content-visibility: auto; contain-intrinsic-size: auto 60rem; }
section.feature > h3 { font-size: 1.15rem; margin: 0; }
.told { color: var(--soft); margin: .3rem 0 .6rem; white-space: pre-line; }
.file { font-size: .8rem; color: var(--soft); overflow-wrap: anywhere; }
.rule { border-top: 1px solid var(--line); margin-top: 1rem; padding-top: .8rem; }
.rule > h4 { font-size: 1rem; margin: 0 0 .4rem; }
.rule > h4 span { color: var(--soft); font-weight: 400; }
.scenario, .background { margin: .5rem 0; padding: .45rem .7rem; border-left: .25rem solid var(--mark); }
.scenario, .background { background: var(--ground); border-radius: 0 .4rem .4rem 0; --mark: var(--soft); }
.scenario > summary { font-size: .98rem; font-weight: 500; margin: 0; overflow-wrap: anywhere; }
.scenario[open] > summary { margin-bottom: .3rem; }
.background { --mark: var(--line); }
.background > b { font-weight: 500; }
[data-status~=passed] { --mark: #1a7f4b; }
[data-status~=skipped] { --mark: #8a94a6; }
[data-status~="not-run"] { --mark: #8a94a6; }
[data-status~=broken] { --mark: #b45309; }
[data-status~=failed] { --mark: #c0322b; }
@media (prefers-color-scheme: dark) {
  [data-status~=passed] { --mark: #4cc38a; } [data-status~=broken] { --mark: #f0a04b; }
  [data-status~=failed] { --mark: #ff7b72; }
}
nav .mark { display: inline-block; width: 1.4rem; text-indent: 0; }
.mark { color: var(--mark); font-weight: 700; }
.word { color: var(--mark); font-size: .8rem; white-space: nowrap; }
.tag { display: inline-block; text-indent: 0; font-size: .72rem; color: var(--soft); border: 1px solid var(--line); }
.tag { border-radius: .8rem; padding: 0 .45rem; margin-left: .3rem; font-weight: 400; vertical-align: middle; }
.steps { list-style: none; margin: 0; padding: 0; }
.steps li { padding: .1rem 0 .1rem 3.6rem; text-indent: -3.6rem; font-size: .93rem; overflow-wrap: anywhere; }
.steps li > * { text-indent: 0; }
.steps b { display: inline-block; width: 3.3rem; text-align: right; margin-right: .3rem; color: var(--accent); }
.steps b { font-weight: 600; }
var { font-style: italic; color: var(--accent); }
.steps table, .examples table { width: auto; margin: .25rem 0; font-size: .85rem; }
.examples { margin: .5rem 0 0; }
.examples > b { font-size: .85rem; color: var(--soft); font-weight: 500; }
.steps td, .steps th, .examples td, .examples th { padding: .15rem .8rem .15rem 0; }
.steps td, .examples td { overflow-wrap: normal; }
.steps th, .examples th { white-space: nowrap; }
.wide { max-width: 100%; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
pre { margin: .3rem 0; font-size: .8rem; }
.why { margin: .35rem 0 0; font-size: .85rem; color: var(--mark); white-space: pre-wrap; overflow-wrap: anywhere; }
[hidden] { display: none !important; }
@media (max-width: 40rem) {
  .controls { position: static; }
  main { padding: 1rem .5rem 2rem; } section { padding: .8rem .7rem; } nav ul { columns: auto; }
  .scenario, .background { padding: .4rem .5rem; }
  .steps li { padding-left: 1rem; text-indent: -1rem; } .steps b { width: auto; }
  html { scroll-padding-top: 1rem; }
}
@media print { .controls, nav { display: none; } section.feature { content-visibility: visible; } }
"""

SCRIPT = """
const box = document.querySelector(".controls input");
const buttons = [...document.querySelectorAll(".controls button[data-show]")];
const scenarios = [...document.querySelectorAll(".scenario")];
const entries = [...document.querySelectorAll("nav a")];
const links = new Map(entries.map(link => [link.getAttribute("href").slice(1), link.parentNode]));
const texts = new Map();

function textOf(scenario) {
  if (!texts.has(scenario)) {
    const rule = scenario.closest(".rule"), feature = scenario.closest(".feature");
    const around = [feature.querySelector("h3"), rule && rule.querySelector("h4")].map(it => it ? it.textContent : "");
    texts.set(scenario, [scenario.textContent, ...around].join(" ").toLowerCase());
  }
  return texts.get(scenario);
}

function hideEmpty(selector) {
  for (const part of document.querySelectorAll(selector))
    part.hidden = !part.querySelector(".scenario:not([hidden])");
}

function counted(scenario, kind) {
  if (kind && scenario.hidden) return 0;
  return scenario.querySelector("tr[data-has]") ? scenario.querySelectorAll(`tr[data-has]${kind}`).length : 1;
}

function apply() {
  const wanted = buttons.find(it => it.getAttribute("aria-pressed") === "true").dataset.show.split(" ").filter(Boolean);
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const fits = part => !wanted.length || wanted.some(it => part.dataset.has.split(" ").includes(it));
  for (const scenario of scenarios) {
    scenario.hidden = !(fits(scenario) && words.every(word => textOf(scenario).includes(word)));
    for (const row of scenario.querySelectorAll("tr[data-has]")) row.hidden = !fits(row);
  }
  hideEmpty(".rule"); hideEmpty(".feature"); hideEmpty(".epic-part");
  for (const [id, link] of links) link.hidden = document.getElementById(id).hidden;
  for (const part of document.querySelectorAll("nav div")) part.hidden = !part.querySelector("li:not([hidden])");
  const [shown, all] = [":not([hidden])", ""].map(kind => scenarios.reduce((sum, it) => sum + counted(it, kind), 0));
  document.querySelector(".controls output").value = `${shown} of ${all} scenarios shown`;
}

for (const button of buttons)
  button.addEventListener("click", () => {
    for (const other of buttons) other.setAttribute("aria-pressed", other === button);
    apply();
  });
box.addEventListener("input", apply);
document.querySelector("[data-fold]").addEventListener("click", event => {
  const fold = event.target.getAttribute("aria-pressed") !== "true";
  event.target.setAttribute("aria-pressed", fold);
  for (const scenario of scenarios) scenario.open = !fold;
});
apply();
"""
