// Runs before the first paint, so that a chosen theme never flashes the other one. A file of its own: the policy allows no inline script.
(() => {
  try {
    const preferences = JSON.parse(localStorage.getItem("pli.preferences") || "{}");
    const root = document.documentElement;
    if (["light", "dark", "contrast"].includes(preferences.theme)) root.dataset.theme = preferences.theme;
    if (["fr", "en"].includes(preferences.language)) root.lang = preferences.language;
  } catch {
    // Storage is closed to us or holds something else: the system's theme applies.
  }
})();
