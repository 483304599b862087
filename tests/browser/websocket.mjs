// A browser's WebSocket at a deployed API, with the token in the subprotocol and in the query string. Arguments: the address of the
// API, and a folder for the screenshots of a failure. It reads a line with a token that may connect and one that may not.

import assert from 'node:assert/strict';
import { createInterface } from 'node:readline/promises';
import { run } from './harness.mjs';

const [address, folder] = process.argv.slice(2);
const { value: line } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
const { may, mayNot } = JSON.parse(line);

await run(folder, async ({ step, tab }) => {
  const page = await tab('chat');
  /** What a page sees of a connection: whether it opened, the subprotocol, and the answer to a message. */
  const connect = (query, protocols) =>
    page.evaluate(
      ([url, protocols]) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url, protocols);
          let seen = { opened: false };
          socket.onopen = () => {
            seen = { opened: true, protocol: socket.protocol };
            socket.send('hello');
          };
          socket.onmessage = ({ data }) => {
            seen.heard = data;
            socket.close();
          };
          socket.onclose = () => resolve(seen);
        }),
      [`${address}${query}`, protocols],
    );

  await step('a page connects with the token in the subprotocol', async () => {
    assert.deepEqual(await connect('', ['bearer', may]), { opened: true, protocol: 'bearer', heard: 'ada: hello' });
  });
  await step('a page connects with the token in the query string', async () => {
    assert.deepEqual(await connect(`?token=${may}`, []), { opened: true, protocol: '', heard: 'ada: hello' });
  });
  await step('a page without the scope does not connect', async () => {
    assert.deepEqual(await connect('', ['bearer', mayNot]), { opened: false });
    assert.deepEqual(await connect(`?token=${mayNot}`, []), { opened: false });
  });
  await step('a page without a token does not connect', async () => {
    assert.deepEqual(await connect('', []), { opened: false });
  });
});
