// Runs before anything else on the page: the visitor's language for Gradio's own texts, the theme and the level for
// the first paint, so that nothing flashes or jumps.
(() => {
  const page = window.playground;
  const root = document.documentElement;
  const remembered = (key) => { try { return localStorage.getItem(`playground.${key}`); } catch { return null; } };
  const gradioLanguage = page.language === "zh" ? "zh-CN" : page.language;
  Object.defineProperty(navigator, "language", { get: () => gradioLanguage });
  Object.defineProperty(navigator, "languages", { get: () => [gradioLanguage] });
  root.lang = gradioLanguage;
  root.classList.toggle("expert", remembered("level") === "expert");
  root.classList.toggle("no-sidebar", remembered("sidebar") === "closed");

  const dark = matchMedia("(prefers-color-scheme: dark)");
  page.applyTheme = () => {
    const theme = remembered("theme") ?? "auto";
    const wanted = theme === "dark" || (theme === "auto" && dark.matches);
    root.classList.toggle("dark", wanted);
    root.style.colorScheme = wanted ? "dark" : "light";
    if (document.body && document.body.classList.contains("dark") !== wanted) document.body.classList.toggle("dark", wanted);
  };
  page.applyTheme();
  dark.addEventListener("change", page.applyTheme);
  // Gradio sets its own idea of dark mode on the body while it starts.
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(page.applyTheme).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    page.applyTheme();
  });
})();
