// Light or dark as Airflow is: its pages keep the choice under this key, and tell no frame of a change.
(() => {
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("theme");
    } catch {
      // without storage, as the system is
    }
    const isDark = chosen === "dark" || (chosen !== "light" && prefersDark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  };
  apply();
  prefersDark.addEventListener("change", apply);
  addEventListener("storage", apply);
})();
