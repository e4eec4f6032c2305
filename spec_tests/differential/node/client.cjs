// A client with ws: node client.cjs URL [deflate].  Reads messages from standard input, a line of
// JSON, ["text", ...] or ["binary", BASE64] each, and how to close; sends each when the one before
// is back; prints what came back, the answer to its Ping, the Close and what was agreed on.
"use strict";

const WebSocket = require("ws");

const { messages, close } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const perMessageDeflate = process.argv.includes("deflate");
const socket = new WebSocket(process.argv[2], { perMessageDeflate });
const echoes = [];
const pongs = [];

function next() {
  if (echoes.length < messages.length) {
    const [type, content] = messages[echoes.length];
    socket.send(type === "text" ? content : Buffer.from(content, "base64"));
  } else if (close) {
    socket.close(close[0], close[1]);
  }
}

socket.on("open", () => {
  socket.ping("p");
  next();
});
socket.on("pong", (data) => pongs.push(data.toString()));
socket.on("message", (data, isBinary) => {
  echoes.push(isBinary ? ["binary", data.toString("base64")] : ["text", data.toString()]);
  next();
});
socket.on("close", (code, reason) => {
  const closed = [code, reason.toString()];
  const compressed = socket.extensions.includes("permessage-deflate");
  console.log(JSON.stringify({ echoes, pongs, closed, compressed }));
});
