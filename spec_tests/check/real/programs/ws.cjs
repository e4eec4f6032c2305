// An echo server with ws: node ws.cjs PORT [deflate]
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  perMessageDeflate: process.argv.includes("deflate"),
});

server.on("connection", (socket) => {
  socket.on("error", () => {}); // what a client did wrong; without this it ends the process
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
