// ws, after https://github.com/websockets/ws#server-broadcast: each message goes to all of the room
// that the path names. Without heartbeat, as its example.

import { createServer } from "node:http";

import { WebSocket, WebSocketServer } from "ws";

import { serve } from "./serving.js";

const rooms = new Map();
const server = createServer();
const wss = new WebSocketServer({ server });

wss.on("connection", (ws, request) => {
  if (!rooms.has(request.url)) rooms.set(request.url, new Set());
  const room = rooms.get(request.url);
  room.add(ws);
  ws.on("error", console.error);
  ws.on("close", () => room.delete(ws));
  ws.on("message", (data, isBinary) => {
    for (const client of room) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
    }
  });
});

server.listen(0, "127.0.0.1", () => serve(server, "ws"));
