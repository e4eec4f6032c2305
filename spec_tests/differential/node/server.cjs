// An echo server with ws: node server.cjs [deflate].  Prints its port, then a line of JSON
// for the Close of each connection: its code and reason.
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: process.argv.includes("deflate"),
});

server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => {
    const asked = isBinary ? null : /^close (\d+) (.*)$/.exec(data.toString());
    if (asked) {
      socket.close(Number(asked[1]), asked[2]);
    } else {
      socket.send(data, { binary: isBinary });
    }
  });
  socket.on("close", (code, reason) => console.log(JSON.stringify([code, reason.toString()])));
});
