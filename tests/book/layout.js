// What a reader sees of a page, measured: `layout` has functions that return its defects, in words. The page
// is made still, so that colours are read when they have changed and not half-way.
(() => {
  const SLACK = 3; // px: the box of a line is higher than its letters
  const WHOLE = "img, input, select, textarea, canvas, mjx-container, pre, svg"; // taken as one box
  // Only for who listens; and the button that floats over the page while a reader scrolls up.
  const APART = ".sr-only, .visually-hidden, .course-explore-status, #pst-skip-link, #pst-back-to-top";

  if (!document.getElementById("still")) {
    const still = Object.assign(document.createElement("style"), { id: "still" });
    // What MathJax keeps for screen readers is invisible and takes room behind its formula.
    still.textContent = `*, *::before, *::after { transition: none !important; }
      mjx-assistive-mml { display: none !important; }`;
    document.head.append(still);
  }

  const say = (element) => {
    const words = (element.innerText || element.alt || element.value || "").trim().replace(/\s+/g, " ");
    const kind = [element.tagName.toLowerCase(), ...element.classList].slice(0, 3).join(".");
    return `${kind} "${words.slice(0, 50)}" in #${element.closest("[id]")?.id ?? "?"}`;
  };
  const meet = (a, b) => ({
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  });
  const boxOf = (element) => element.getBoundingClientRect();
  const texts = (element) =>
    [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());

  // Every element drawn: its style, the block it flows in, how opaque it is, what cuts it and its content.
  const drawn = (root) => {
    const found = [];
    const walk = (element, block, opacity, cut) => {
      const style = getComputedStyle(element);
      opacity *= Number(style.opacity);
      if (style.display === "none" || opacity === 0 || element.matches(APART)) return;
      if (style.position === "fixed") cut = null;
      if (style.display !== "inline") block = element;
      let within = cut;
      if (element !== document.body && style.overflow !== "visible" && style.display !== "inline")
        within = cut ? meet(cut, boxOf(element)) : boxOf(element);
      if (style.visibility !== "hidden") found.push({ element, style, block, opacity, cut, within });
      if (element.matches(WHOLE)) return;
      const folded = element.matches("details:not([open])");
      for (const child of folded ? element.querySelectorAll(":scope > summary") : element.children)
        walk(child, block, opacity, within);
    };
    walk(root, root, 1, null);
    return found;
  };

  // Lines of text and pictures that lie on one another, though neither is part of the other.
  const overlaps = (root = document.body) => {
    window.scrollTo({ top: 0, behavior: "instant" }); // further down, the header lies on the text
    const boxes = [];
    const add = (rect, cut, element, block) => {
      const { left, top, right, bottom } = cut ? meet(rect, cut) : rect;
      if (right - left > 1 && bottom - top > 1) boxes.push({ left, top, right, bottom, element, block });
    };
    for (const { element, block, cut, within } of drawn(root)) {
      if (element.matches(WHOLE)) add(boxOf(element), cut, element, block);
      else
        for (const text of texts(element)) {
          const range = document.createRange();
          range.selectNodeContents(text);
          for (const line of range.getClientRects()) add(line, within, element, block);
        }
    }
    boxes.sort((a, b) => a.top - b.top);
    const found = new Set();
    let above = [];
    for (const box of boxes) {
      above = above.filter((other) => other.bottom - SLACK > box.top);
      for (const other of above) {
        const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
        const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
        if (across <= SLACK || down <= SLACK || box.block === other.block) continue;
        const shared = `${Math.round(across)} x ${Math.round(down)} px`;
        found.add(`${say(other.element)} and ${say(box.element)} overlap by ${shared}`);
      }
      above.push(box);
    }
    return [...found];
  };

  // What is wider than the screen or than its box, and what a box hides of its content. What scrolls is fine.
  const overflows = (root = document.body) => {
    const screen = window.innerWidth;
    const page = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
    const found = page > screen ? [`the page is ${page} px wide on a screen of ${screen}`] : [];
    for (const { element, style, cut } of drawn(root)) {
      const { left, right, height } = boxOf(element);
      if (!cut && height && (right > screen + 1 || left < -1))
        found.push(`${say(element)} goes from ${Math.round(left)} to ${Math.round(right)} of ${screen} px`);
      if (style.display === "inline" || element.matches("input, img, svg, mjx-container")) continue;
      const more = element.scrollWidth - element.clientWidth;
      const higher = element.scrollHeight - element.clientHeight;
      if (more > SLACK && style.overflowX === "visible" && element.clientWidth && element.closest("article"))
        found.push(`${say(element)} runs ${more} px over the edge of its box`);
      if (more > SLACK && /hidden|clip/.test(style.overflowX))
        found.push(`${say(element)}: ${more} px are cut off`);
      if (higher > SLACK && /hidden|clip/.test(style.overflowY))
        found.push(`${say(element)}: ${higher} px below are cut off`);
    }
    return found;
  };

  const channels = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return colour.startsWith("color(srgb") ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a], ground) => [r, g, b].map((v, i) => a * v + (1 - a) * ground[i]).concat(1);
  const luminance = (colour) => {
    const [r, g, b] = colour.map((v) => (v <= 10.3 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };

  // Text whose contrast with what is behind it is below that of WCAG 2.1, 1.4.3 (and 1.4.11 for signs).
  const faint = (root = document.body) => {
    const grounds = new Map([[null, [255, 255, 255, 1]]]);
    const ground = (element) => {
      if (!grounds.has(element)) {
        const own = channels(getComputedStyle(element).backgroundColor);
        grounds.set(element, own[3] === 1 ? own : over(own, ground(element.parentElement)));
      }
      return grounds.get(element);
    };
    const judged = new Map(); // of every pair of colours, once
    const judge = (element, style, opacity, what = "", sign = false) => {
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const enough = large || sign ? 3 : 4.5;
      const behind = ground(element);
      const pair = [style.color, behind, opacity, enough].join();
      if (judged.has(pair)) return;
      const [r, g, b, a] = channels(style.color);
      const ratio = contrast(over([r, g, b, a * opacity], behind), behind);
      const colours = `${style.color} on rgb(${behind.slice(0, 3).map(Math.round)})`;
      const defect = () => `${ratio.toFixed(2)} is below ${enough}: ${colours}, ${what} ${say(element)}`;
      judged.set(pair, ratio < enough && defect());
    };
    for (const { element, style, opacity } of drawn(root)) {
      if (element.matches("pre")) {
        const kinds = new Set(); // code has thousands of words of a few kinds
        for (const word of [element, ...element.querySelectorAll("*")]) {
          const kind = `${word.className} ${word.getAttribute("style")} ${word.parentElement.className}`;
          if (kinds.has(kind) || !texts(word).length) continue;
          kinds.add(kind);
          judge(word, getComputedStyle(word), opacity);
        }
        continue;
      }
      if (texts(element).length || element.matches("mjx-container, input[type=text], input[type=search]"))
        judge(element, style, opacity);
      if (element.placeholder)
        judge(element, getComputedStyle(element, "::placeholder"), opacity, "placeholder of");
      for (const side of ["::before", "::after"]) {
        const added = getComputedStyle(element, side);
        const sign = /[\ue000-\uf8ff]/.test(added.content); // of the icon font
        if (/^".+"/.test(added.content)) judge(element, added, opacity, `${side} of`, sign);
      }
    }
    return [...judged.values()].filter(Boolean);
  };

  // Pictures through which the page shines: their ink would vanish on a dark one.
  const seeThrough = () => {
    const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const [width, height] = [pen.canvas.width, pen.canvas.height];
    return [...document.querySelectorAll("article img")].filter((image) => {
      if (!image.naturalWidth) return false;
      pen.clearRect(0, 0, width, height);
      pen.drawImage(image, 0, 0, width, height);
      return pen.getImageData(0, 0, width, height).data.some((value, i) => i % 4 === 3 && value < 250);
    }).map(say);
  };

  // Everything that a click shows, shown.
  const unfold = () => {
    document.querySelectorAll("details").forEach((folded) => (folded.open = true));
    document.querySelectorAll(".toggle-hidden button.toggle-button").forEach((button) => button.click());
  };

  // The questions of the quizzes answered, one rightly and the next wrongly, and the colours changed.
  const answer = () => {
    document.querySelectorAll(".Quiz").forEach((question, i) =>
      question.querySelector(`.MCButton[data-correct="${i % 2 === 0}"]`)?.click());
    document.getAnimations().forEach((animation) => animation.finish());
  };

  window.layout = { overlaps, overflows, faint, seeThrough, unfold, answer };
})();
