// Runs before the first paint, so that a chosen theme never flashes the other one. A file of its own: the policy allows no inline script.
(() => {
  try {
    const root = document.documentElement;
    const theme = localStorage.getItem("pli.theme");
    const language = localStorage.getItem("pli.language");
    if (["light", "dark", "contrast"].includes(theme)) root.dataset.theme = theme;
    if (["fr", "en"].includes(language)) root.lang = language;
  } catch {
    // Storage is closed to us: the system's theme applies.
  }
})();
