// Steps in a browser. Each step leaves a screenshot, and a run that fails keeps them all.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, errors } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** As long as a step waits for what it expects. */
const PATIENCE = 30_000;

/** Runs a story: `story` is given `step`, `tab` and the browser. The screenshots of a failure are in `folder`. */
export async function run(folder, story) {
  assert(existsSync(CHROMIUM), `${CHROMIUM} is not installed`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The sandbox needs rights that root in a container lacks; what is visited is on this machine.
  const browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: false });
  const tabs = [];
  let number = 0;

  /** A tab of a browser profile of its own. */
  const tab = async (name, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const faults = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && /Content Security Policy|Uncaught|Trusted/.test(message.text())) faults.push(message.text());
    });
    tabs.push({ name, page, faults });
    return page;
  };

  const pictures = async () => {
    for (const { name, page } of tabs) {
      const file = join(folder, `${String(number).padStart(2, '0')}-${name}.png`);
      await page.screenshot({ path: file, fullPage: true, timeout: 5000 }).catch(() => {});
    }
  };

  const step = async (what, act) => {
    number += 1;
    try {
      await act();
      for (const { name, faults } of tabs) assert.deepEqual(faults, [], `${name}: the page's own errors`);
      console.log(`ok   ${what}`);
    } catch (error) {
      console.log(`FAIL ${what}: ${error instanceof errors.TimeoutError ? error.message.split('\n').slice(0, 6).join('\n     ') : error.stack}`);
      throw error;
    } finally {
      await pictures();
    }
  };

  try {
    await story({ step, tab, browser });
    rmSync(folder, { recursive: true, force: true });
  } catch {
    console.log(`The screenshots of each step are in ${folder}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** Waits until a locator, which may not be there yet, has this text in it. */
export async function shows(locator, text) {
  await locator.filter({ hasText: text }).first().waitFor();
}

/** Waits until something holds. */
export async function until(what, holds, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (let seen; ;) {
    seen = await holds();
    if (seen === true) return;
    assert(Date.now() < end, `${what}: seen ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
