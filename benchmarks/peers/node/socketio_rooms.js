// Socket.IO, after https://socket.io/docs/v4/rooms/: a client joins a room by an event that is
// acknowledged; what it says goes to the room. Heartbeat as by default.

import { createServer } from "node:http";

import { Server } from "socket.io";

import { serve } from "./serving.js";

const server = createServer();
const io = new Server(server, { transports: ["websocket"], serveClient: false });

io.on("connection", (socket) => {
  socket.on("join", (room, acknowledge) => {
    socket.data.room = room;
    socket.join(room);
    acknowledge();
  });
  socket.on("say", (data) => {
    io.to(socket.data.room).emit("said", data);
  });
});

server.listen(0, "127.0.0.1", () => serve(server, "socket.io", "ws"));
