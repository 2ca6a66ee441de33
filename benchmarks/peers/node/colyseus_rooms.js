// Colyseus, after https://docs.colyseus.io/room and https://docs.colyseus.io/server: rooms of one
// class, made at the start; what a client says is broadcast. Without state, so without patches.

import { createServer } from "node:http";

import { Room, Server, matchMaker } from "@colyseus/core";
import { WebSocketTransport } from "@colyseus/ws-transport";

import { serve } from "./serving.js";

const [rooms, members] = process.argv.slice(2).map(Number);

class Hall extends Room {
  autoDispose = false;
  patchRate = null;

  onCreate(options) {
    this.roomId = `room-${options.number}`;
    this.maxClients = members;
    this.onMessage("say", (client, data) => {
      this.broadcast("said", data);
    });
  }
}

const server = createServer();
const transport = new WebSocketTransport({ server });
const game = new Server({ transport, greet: false });
game.define("hall", Hall);
await game.listen(0, "127.0.0.1");
for (let number = 0; number < rooms; number++) await matchMaker.createRoom("hall", { number });
serve(server, "@colyseus/core", "@colyseus/ws-transport");
