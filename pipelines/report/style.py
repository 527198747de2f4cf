"""The style of the HTML report: one column, system fonts, light and dark, on a phone and on paper."""

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #fbfaf8; --card: #ffffff; --ink: #1f2328; --quiet: #656d76; --line: #e4e1dc; --soft: #f3f1ed;
  --good: #2a7d4f; --good-soft: #e7f3ec; --warn: #9a6700; --warn-soft: #fbf1da; --bad: #b42318; --bad-soft: #fdeceb;
  --note: #4a6785; --fill: #7d93ab; --none: #b8bec6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --card: #1c1f23; --ink: #e4e6e9; --quiet: #9aa2ab; --line: #2e3238; --soft: #24282d;
    --good: #5fbf8b; --good-soft: #17291f; --warn: #dcaa4a; --warn-soft: #2e2614; --bad: #f2857b; --bad-soft: #361d1b;
    --note: #8fb0d3; --fill: #6f88a3; --none: #555c65;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
code {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .84em; overflow-wrap: anywhere; unicode-bidi: isolate;
}
p { margin: .6rem 0; overflow-wrap: anywhere; }
.quiet, .note, .subtitle { color: var(--quiet); }
p.quiet { font-size: .9rem; }
header { border-left: 4px solid var(--tone); padding: .1rem 0 .1rem 1.25rem; }
.level-verified { --tone: var(--good); --tone-soft: var(--good-soft); }
.level-rejects, .level-incomplete { --tone: var(--warn); --tone-soft: var(--warn-soft); }
.level-broken { --tone: var(--bad); --tone-soft: var(--bad-soft); }
.kicker { margin: 0; font-size: .82rem; color: var(--quiet); }
h1 {
  display: flex; gap: .7rem; align-items: flex-start; margin: .35rem 0 .2rem;
  font-size: clamp(1.45rem, 4.5vw, 2rem); line-height: 1.2; font-weight: 640; letter-spacing: -.015em;
}
.sign {
  flex: none; display: inline-grid; place-items: center; width: 1.35em; height: 1.35em; margin-top: -.07em;
  border-radius: 50%; background: var(--tone-soft); color: var(--tone); font-size: .85em; font-weight: 700;
}
.subtitle { margin: 0; font-size: .92rem; }
.claim { margin: 1rem 0 0; font-size: 1.05rem; max-width: 46rem; }
.notice {
  margin: 1rem 0 0; padding: .6rem .85rem; border-radius: .5rem; background: var(--warn-soft); font-size: .95rem;
}
.tiles {
  display: grid; grid-template-columns: repeat(6, 1fr); gap: 1px; margin: 1.75rem 0 1.25rem;
  background: var(--line); border: 1px solid var(--line); border-radius: .7rem; overflow: hidden;
}
.tile { display: flex; flex-direction: column; background: var(--card); padding: .8rem .95rem; }
.tile dt { order: 2; color: var(--quiet); font-size: .82rem; line-height: 1.35; }
.tile dd {
  margin: 0; order: 1; font-size: 1.4rem; line-height: 1.25; font-weight: 620; font-variant-numeric: tabular-nums;
}
.tile dd.quiet { order: 3; font-size: .82rem; font-weight: 400; }
.tile.tone-warn dd:not(.quiet) { color: var(--warn); }
.tile.tone-bad dd:not(.quiet) { color: var(--bad); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0 0 .5rem; font-size: .88rem; }
nav a { color: var(--quiet); text-decoration: none; padding: .15rem 0; }
nav a:hover, nav a:focus-visible { color: var(--ink); text-decoration: underline; }
section { padding: 1.5rem 0 .35rem; border-top: 1px solid var(--line); margin-top: 1.25rem; scroll-margin-top: .5rem; }
section.tone-bad {
  border: 1px solid var(--bad); border-radius: .7rem; background: var(--bad-soft); padding: 1rem 1.15rem;
}
h2 { margin: 0 0 .6rem; font-size: 1.2rem; line-height: 1.3; font-weight: 630; letter-spacing: -.01em; }
section.tone-bad h2 { color: var(--bad); }
h3 { margin: 1.3rem 0 0; font-size: 1.02rem; font-weight: 620; }
h3 + p { margin-top: .15rem; color: var(--quiet); font-size: .92rem; }
ul { list-style: none; margin: .6rem 0; padding: 0; }
li { padding: .38rem 0 .38rem .8rem; border-left: 3px solid var(--line); margin: 0 0 .35rem; line-height: 1.4; }
li .note { display: block; font-size: .88rem; overflow-wrap: anywhere; }
li.tone-good { border-color: var(--good); } li.tone-note { border-color: var(--note); }
li.tone-warn { border-color: var(--warn); } li.tone-bad { border-color: var(--bad); }
.scroll {
  overflow-x: auto; margin: .9rem 0; border: 1px solid var(--line); border-radius: .6rem; background: var(--card);
}
table { border-collapse: collapse; width: 100%; font-size: .88rem; line-height: 1.4; }
th, td { padding: .42rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: 560; background: var(--soft); vertical-align: bottom; }
td { min-width: 3rem; max-width: 24rem; }
td:first-child { white-space: nowrap; }
td:first-child code { display: block; min-width: 7.5rem; white-space: normal; }
td .note { display: block; min-width: 11rem; white-space: normal; font-size: .94em; }
td:last-child:not(.number) { min-width: 11rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { white-space: normal; }
td.zero { color: var(--none); }
tfoot td { border-top: 1px solid var(--line); border-bottom: 0; font-weight: 620; }
figure { margin: .9rem 0 1.1rem; }
figcaption { color: var(--quiet); font-size: .85rem; margin-bottom: .45rem; }
.bars {
  display: grid; grid-template-columns: minmax(5rem, max-content) 1fr max-content; gap: .3rem .8rem;
  align-items: center; font-size: .88rem;
}
svg { display: block; width: 100%; height: .55rem; border-radius: .3rem; overflow: hidden; }
svg.shares { height: .8rem; border-radius: .4rem; }
rect.track { fill: var(--soft); } rect.fill { fill: var(--fill); }
rect.tone-none { fill: var(--none); } rect.tone-good { fill: var(--good); } rect.tone-note { fill: var(--note); }
rect.tone-warn { fill: var(--warn); } rect.tone-bad { fill: var(--bad); }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; font-size: .88rem; margin: .5rem 0 0; }
.legend span::before {
  content: ""; display: inline-block; width: .6rem; height: .6rem; border-radius: 50%; margin-right: .4rem;
  background: var(--none);
}
.legend .tone-good::before { background: var(--good); } .legend .tone-note::before { background: var(--note); }
.legend .tone-warn::before { background: var(--warn); } .legend .tone-bad::before { background: var(--bad); }
footer {
  margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .84rem;
}
footer p { margin: .25rem 0; }
:focus-visible { outline: 2px solid var(--note); outline-offset: 2px; }
@media (max-width: 56rem) {
  .tiles { grid-template-columns: repeat(3, 1fr); }
}
@media (max-width: 34rem) {
  main { padding: 1.5rem 1rem 2rem; }
  header { padding-left: .9rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .claim { font-size: 1rem; }
}
@media print {
  :root {
    --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --soft: #f2f2f2;
    --good: #1d6b40; --warn: #7a5200; --bad: #9c1c12; --note: #3a5573; --good-soft: #fff; --warn-soft: #fff;
    --bad-soft: #fff;
  }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  .tiles { grid-template-columns: repeat(6, 1fr); }
  .scroll { overflow: visible; }
  tfoot { display: table-row-group; }
  table { font-size: 8.5pt; }
  th, td { padding: .25rem .4rem; min-width: 0; }
  tr, li, figure, .tile { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
