// What all servers on Node share: they say their port, and end when standard input does.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Say on which port `server` listens, with the versions of `packages`, and wait for the end. */
export function serve(server, ...packages) {
  const about = { node: process.version };
  for (const name of packages) {
    about[name] = require(`./package-lock.json`).packages[`node_modules/${name}`].version;
  }
  console.log(JSON.stringify({ port: server.address().port, about }));
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}
