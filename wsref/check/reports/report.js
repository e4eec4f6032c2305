"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, where = document) => [...where.querySelectorAll(selector)];

  // Light or dark: as the system has it until somebody chooses.
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => { try { return localStorage.getItem("wsref-theme"); } catch { return null; } };
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const label = () => {
    button.textContent = isDark() ? "light" : "dark";
    button.setAttribute("aria-label", `switch to ${button.textContent} colours`);
  };
  if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
  button.hidden = false;
  label();
  system.addEventListener("change", label);
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("wsref-theme", root.dataset.theme); } catch { /* not remembered */ }
    label();
  });

  // Filters, one for each server.
  for (const part of all(".cases")) {
    const filter = part.querySelector(".filter");
    if (!filter) continue;
    const section = filter.querySelector("select");
    const search = filter.querySelector("input[type=search]");
    const boxes = all("input[type=checkbox]", filter);
    const output = filter.querySelector("output");
    const cases = all("details.c", part);
    const words = new Map();
    const textOf = (one) => {
      if (!words.has(one)) words.set(one, one.textContent.toLowerCase());
      return words.get(one);
    };
    const apply = () => {
      const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const group of all(".group", part)) {
        const inSection = !section.value || group.dataset.s === section.value;
        let some = false;
        for (const one of all("details.c", group)) {
          const fits = inSection && verdicts.has(one.dataset.v)
            && wanted.every((word) => textOf(one).includes(word));
          one.hidden = !fits;
          some ||= fits;
          shown += fits;
        }
        group.hidden = !some;
      }
      output.textContent = shown === cases.length ? `${shown} cases` : `${shown} of ${cases.length} cases`;
    };
    const reset = () => {
      section.value = "";
      search.value = "";
      for (const box of boxes) box.checked = true;
      apply();
    };
    filter.hidden = false;
    filter.addEventListener("input", apply);
    filter.addEventListener("click", (event) => {
      const action = event.target.dataset.do;
      if (action === "reset") reset();
      else if (action) for (const one of cases) if (!one.hidden) one.open = action === "unfold";
    });
    search.addEventListener("keydown", (event) => { if (event.key === "Escape") { search.value = ""; apply(); } });
    for (const link of all("[data-section]", part.closest(".server"))) {
      link.addEventListener("click", () => { reset(); section.value = link.dataset.section; apply(); });
    }
    part.showCase = (one) => { if (one.hidden || one.closest("[hidden]")) reset(); };
    apply();
  }
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)
        && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    }
  });

  // A link to what is folded or filtered out shows it.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    target.closest(".cases")?.showCase?.(target);
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  for (const link of all("a[href^='#']")) {
    link.addEventListener("click", () => { if (link.hash === location.hash) reveal(); });
  }
  reveal();

  // The command is there to be copied.
  if (navigator.clipboard) {
    for (const place of all(".replay")) {
      const copy = document.createElement("button");
      copy.type = "button";
      copy.textContent = "copy";
      copy.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(place.querySelector("code").textContent);
          copy.textContent = "copied";
        } catch {
          copy.textContent = "not allowed";
        }
        setTimeout(() => { copy.textContent = "copy"; }, 1500);
      });
      place.append(" ", copy);
    }
  }
})();
