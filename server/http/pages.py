"""The server's own page: a button that seeds the database."""

from __future__ import annotations

SEED_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Seed · FinanceOps</title>
<style>
  :root {
    --page: #f5f7fa; --card: #fff; --text: #16202c; --soft: #5b6b7d; --accent: #0b6b52;
    --wrong: #b3261e; --line: #dde4ec;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --page: #0e141b; --card: #17202a; --text: #e8eef5; --soft: #9fb0c2; --accent: #3ecf9f;
      --wrong: #ff8a80; --line: #2a3846;
    }
  }
  body {
    margin: 0; min-height: 100vh; display: grid; place-items: center;
    background: var(--page); color: var(--text);
    font: 16px/1.55 system-ui, sans-serif;
  }
  main {
    box-sizing: border-box; width: min(30rem, 100% - 2rem); padding: 2rem;
    background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  }
  h1 { margin: 0 0 .5rem; font-size: 1.4rem; line-height: 1.25; }
  p { margin: 0 0 1.5rem; color: var(--soft); }
  button {
    padding: .7rem 1.3rem; border: 0; border-radius: 9px; cursor: pointer;
    background: var(--accent); color: #fff; font: inherit; font-weight: 600;
  }
  @media (prefers-color-scheme: dark) { button { color: #06251b; } }
  button:disabled { opacity: .55; cursor: progress; }
  button:focus-visible { outline: 3px solid var(--text); outline-offset: 3px; }
  output { display: block; min-height: 1.55em; margin-top: 1.2rem; font-weight: 600; }
  output.wrong { color: var(--wrong); }
</style>
<main>
  <h1>Start with some payments</h1>
  <p>Records 1,000 realistic payments of the last 30 days, if the database holds only simulated
    ones or none. Pressing the button twice does no harm.</p>
  <button type="button">Seed the database</button>
  <output aria-live="polite"></output>
</main>
<script>
  const button = document.querySelector("button");
  const output = document.querySelector("output");
  button.addEventListener("click", async () => {
    button.disabled = true;
    output.className = "";
    output.textContent = "Seeding …";
    try {
      const response = await fetch("seed", { method: "POST" });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      const what = answer.count
        ? `${answer.count.toLocaleString()} payments`
        : "another tenant has payments";
      output.textContent = `${answer.message}: ${what}`;
    } catch (error) {
      output.className = "wrong";
      output.textContent = `That did not work: ${error.message}`;
    }
    button.disabled = false;
  });
</script>
</html>
"""
