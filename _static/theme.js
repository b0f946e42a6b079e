// A page says that it is light, for readers without JavaScript. With it, the reader's system decides, until the
// reader does; here already, in the page's head, so that no page is first drawn light and then dark.
(() => {
  const page = document.documentElement.dataset;
  page.mode = localStorage.getItem("mode") || "auto";
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  page.theme = page.mode === "auto" ? (dark ? "dark" : "light") : page.mode;

  // Paper is light, whatever the screen is.
  let onScreen = page.theme;
  window.addEventListener("beforeprint", () => {
    onScreen = page.theme;
    page.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    page.theme = onScreen;
  });
})();
