import "@fontsource-variable/atkinson-hyperlegible-next/wght.css";
import "../ui/emoji.css";
import "../ui/tokens.css";
import "../ui/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { currentLanguage } from "../i18n";
import { BootViewModel } from "../viewmodels/BootViewModel";
import { browserEnvironment } from "../viewmodels/environment";
import { applyLanguage, ThemeSetting } from "../viewmodels/preferences";
import { App } from "./App";

const environment = browserEnvironment();
applyLanguage(environment, navigator.languages);
const theme = new ThemeSetting(environment, document.documentElement);
const boot = new BootViewModel(environment, () => import("../matrix"), currentLanguage);

const container = document.getElementById("root");
if (container) {
  createRoot(container).render(
    <StrictMode>
      <App environment={environment} boot={boot} theme={theme} />
    </StrictMode>,
  );
}
void boot.start();
