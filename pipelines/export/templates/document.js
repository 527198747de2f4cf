// Search and folding. Only textContent is read, and nothing is written but `hidden`, `open` and the count.
"use strict";

const turns = [...document.querySelectorAll(".turn")];
const folds = [...document.querySelectorAll("details")];
const found = document.getElementById("found"), search = document.getElementById("search");
const fold = document.getElementById("fold");
const MOST_MARKS = 2000;
let texts = null, opened = [];

function mark(words) {
  if (!("highlights" in CSS)) return;
  const ranges = [];
  for (const turn of words.length ? turns : []) {
    if (turn.hidden) continue;
    const walker = document.createTreeWalker(turn, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < MOST_MARKS) {
      const text = walker.currentNode.data.toLowerCase();
      for (const word of words) {
        for (let at = text.indexOf(word); at >= 0 && ranges.length < MOST_MARKS; at = text.indexOf(word, at + word.length)) {
          if (at + word.length > walker.currentNode.data.length) break;
          const range = new Range();
          range.setStart(walker.currentNode, at);
          range.setEnd(walker.currentNode, at + word.length);
          ranges.push(range);
        }
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}

function look() {
  texts ??= turns.map((turn) => turn.textContent.toLowerCase());
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const one of opened) one.open = false;
  opened = [];
  let count = 0;
  turns.forEach((turn, place) => {
    const isFound = words.every((word) => texts[place].includes(word));
    turn.hidden = !isFound;
    if (!isFound) return;
    count += 1;
    const details = turn.querySelector("details");
    if (words.length && details && !details.open) {
      const head = details.querySelector("summary").textContent.toLowerCase();
      if (!words.every((word) => head.includes(word))) {
        details.open = true;
        opened.push(details);
      }
    }
  });
  for (const article of document.querySelectorAll("article")) {
    article.hidden = words.length > 0 && article.querySelector(".turn:not([hidden])") === null;
  }
  found.textContent = words.length ? `${count} of ${turns.length} turns` : "";
  mark(words);
}

search.addEventListener("input", look);
fold.addEventListener("click", () => {
  const isOpen = fold.getAttribute("aria-pressed") !== "true";
  for (const one of folds) one.open = isOpen;
  opened = [];
  fold.setAttribute("aria-pressed", String(isOpen));
  fold.textContent = isOpen ? "Close all" : "Open all";
});
