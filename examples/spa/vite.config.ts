import { readFileSync } from 'node:fs';
import { defineConfig } from 'vite';

// The one library that is in the built app, whose licence goes with it.
const LIBRARY = 'oauth4webapi';
const licence = readFileSync(new URL(`node_modules/${LIBRARY}/LICENSE.md`, import.meta.url), 'utf8').trim();

export default defineConfig(({ mode }) => {
  // `npm run embed`: what `authz serve --demo` serves. It writes the settings itself, and people may want to read the script.
  const embedded = mode === 'embedded';
  return {
    // The app runs at any path.
    base: './',
    publicDir: embedded ? false : 'public',
    server: { host: '127.0.0.1', port: 5173, strictPort: true },
    build: {
      outDir: process.env.SPA_OUT_DIR ?? (embedded ? '../../src/bin/authz/serve/app/built' : 'dist'),
      emptyOutDir: true,
      minify: !embedded,
      cssMinify: !embedded,
      target: 'es2023',
      modulePreload: { polyfill: false },
      rolldownOptions: {
        output: {
          entryFileNames: 'app.js',
          assetFileNames: 'app[extname]',
          // After minifying, which takes comments away.
          postBanner: `/*!\nBuilt from examples/spa of apigw-jwt-authorizer.\n\nIt includes ${LIBRARY}:\n\n${licence}\n*/`,
        },
      },
    },
  };
});
